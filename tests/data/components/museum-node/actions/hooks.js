// Has every hook.
exports.init = async cfg => { if (cfg.failInit) { throw new Error('init said no'); } };
exports.startup = async cfg => ({ subscription: 's-1', seen: cfg.name });
exports.shutdown = async (cfg, state) => { if (state.subscription !== 's-1') { throw new Error('no state'); } };
exports.process = async () => ({ body: { ok: true } });
