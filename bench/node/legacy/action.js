// The shape of the connector of 2019: a whole API description at load, and its generic client for each message.
'use strict';

const { randomUUID } = require('crypto');
const Swagger = require('swagger-client');
const spec = require('./spec.json');

let emitted = 0;

exports.process = async function process(msg, cfg) {
    spec.servers[0].url = cfg.endpoint; // the generic client sends to the first server, whatever is chosen
    const answer = await Swagger.execute({
        spec,
        operationId: 'ListClusters',
        pathName: '/ListClusters',
        method: 'post',
        parameters: {},
        requestContentType: 'application/json',
        requestBody: msg.body,
        securities: { authorized: { hmac: cfg.hmac } },
        server: cfg.endpoint,
    });
    const message = { id: randomUUID(), attachments: {}, body: answer, headers: {}, metadata: {} };
    emitted += 1;
    console.log('---EMIT', emitted, 'data', JSON.stringify(message));
    await this.emit('data', message);
};
