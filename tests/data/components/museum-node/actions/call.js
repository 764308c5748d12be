// Makes one HTTP call on a kept connection and emits the answer.
const http = require('http');

const agent = new http.Agent({ keepAlive: true });

exports.process = (msg, cfg) => new Promise((resolve, reject) => {
    const body = JSON.stringify(msg.body);
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const request = http.request({ port: cfg.port, host: '127.0.0.1', method: 'POST', headers, agent }, answer => {
        const chunks = [];
        answer.on('data', chunk => chunks.push(chunk));
        answer.on('end', () => resolve({ body: JSON.parse(Buffer.concat(chunks).toString()) }));
    });
    request.on('error', reject);
    request.end(body);
});
