// Does what the message's body says: a list of verbs with their arguments under `do`.
const VERBS = {
    data: (that, msg, cfg, snapshot, body, headers) => that.emit('data', { body, headers: headers || {} }),
    echo: (that, msg, cfg, snapshot) => that.emit('data', {
        body: {
            body: msg.body,
            headers: msg.headers,
            passthrough: msg.passthrough || {},
            snapshot,
            config: cfg,
            variables: that.getFlowVariables()
        }
    }),
    forward: (that, msg) => that.emit('data', { body: msg.body }),
    many: async (that, msg, cfg, snapshot, count) => {
        for (let number = 0; number < count; number++) {
            await that.emit('data', { body: { number } });
        }
    },
    emit: (that, msg, cfg, snapshot, kind, body) => that.emit(kind, body),
    throw: (that, msg, cfg, snapshot, text) => { throw new TypeError(text); },
    sleep: (that, msg, cfg, snapshot, seconds) => new Promise(resolve => setTimeout(resolve, seconds * 1000)),
    say: async (that, msg, cfg, snapshot, text) => that.logger.info(text)
};

exports.process = async function (msg, cfg, snapshot) {
    for (const [verb, ...rest] of (msg.body && msg.body.do) || [['echo']]) {
        await VERBS[verb](this, msg, cfg, snapshot, ...rest);
    }
    await this.emit('end');
};
