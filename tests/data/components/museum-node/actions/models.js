// Has models.
exports.getMetaModel = async cfg => ({
    in: { type: 'object', properties: { name: { title: cfg.name, type: 'string' } } },
    out: {}
});
exports.colours = async () => ({ r: 'Red', g: 'Green' });
exports.changing = async function () {
    await this.emit('updateKeys', { token: 'new' });
    return { a: 'A' };
};
exports.failing = async () => { throw new Error('no colours today'); };
exports.process = async () => ({ body: {} });
