// Its init fails.
exports.init = async () => { throw new Error('init said no'); };
exports.process = async () => ({ body: {} });
