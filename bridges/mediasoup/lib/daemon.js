// SPDX-License-Identifier: Apache-2.0
// HTTP over the daemon's Unix socket: single questions, batches, and the stream of events.
import http from 'node:http';

const ANSWER_MS = 10_000;
const MOST_ANSWER_BYTES = 64 << 20;
const MOST_EVENT_LENGTH = 1 << 20;

export class Daemon {
  constructor(socketPath, answerMs = ANSWER_MS) {
    Object.assign(this, { socketPath, answerMs });
  }

  /// The JSON of the answer; undefined for what is not there.
  async get(path) {
    const { status, text } = await this.#ask('GET', path);
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`GET ${path.split('/').slice(0, 3).join('/')} was answered with ${status}`);
    return JSON.parse(text);
  }

  /// The status of each step {method, path, body}, in their order.
  async batch(steps) {
    if (steps.length === 0) return [];
    const lines = steps.map((step) => `${JSON.stringify(step)}\n`).join('');
    const { status, text } = await this.#ask('POST', '/v1/batch', lines);
    if (status !== 200) throw new Error(`POST /v1/batch was answered with ${status}`);
    const statuses = text.split('\n').filter((line) => line.trim() !== '').map((line) => JSON.parse(line).status);
    if (statuses.length !== steps.length) throw new Error('POST /v1/batch has not an answer a line');
    return statuses;
  }

  #ask(method, path, body) {
    return new Promise((resolve, reject) => {
      const request = this.#request(method, path);
      const deadline = this.#deadline(request);
      let answered = false;
      request.on('response', (response) => {
        answered = true;
        collect(response).then((text) => resolve({ status: response.statusCode, text }), reject);
      });
      request.on('error', reject);
      request.on('close', () => {
        clearTimeout(deadline);
        if (!answered) reject(new Error('the connection ended without an answer'));
      });
      request.end(body);
    });
  }

  /// Resolves when the stream stands, to {close(), ended: promise}. While it stands, it is the same daemon. Of its
  /// events, the recent ones come first. `onEvent` does not throw: nobody would catch it.
  follow(onEvent) {
    return new Promise((resolve, reject) => {
      const request = this.#request('GET', '/v1/events');
      const deadline = this.#deadline(request);
      request.on('error', reject); // after the answer: 'close' tells
      request.on('response', (response) => {
        clearTimeout(deadline);
        response.on('error', () => {});
        readEvents(response, onEvent);
        if (response.statusCode !== 200) {
          request.destroy();
          reject(new Error(`GET /v1/events was answered with ${response.statusCode}`));
          return;
        }
        const ended = new Promise((end) => response.on('close', end));
        resolve({ ended, close: () => request.destroy() });
      });
      request.on('close', () => {
        clearTimeout(deadline);
        reject(new Error('the connection ended without an answer'));
      });
      request.end();
    });
  }

  #deadline(request) {
    const tooLate = () => request.destroy(new Error(`no answer in ${this.answerMs} ms`));
    return setTimeout(tooLate, this.answerMs).unref();
  }

  // A connection each: none is left idle that the daemon may have closed meanwhile.
  #request(method, path) {
    const { socketPath } = this;
    const request = http.request({ socketPath, method, path, agent: false, headers: { Host: 'localhost' } });
    request.on('socket', (socket) => socket.unref()); // the media server ends when it wants to
    return request;
  }
}

async function collect(response) {
  const chunks = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > MOST_ANSWER_BYTES) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function readEvents(response, onEvent) {
  let rest = '';
  response.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    if (rest.length > MOST_EVENT_LENGTH) response.destroy();
    for (const line of lines) {
      const event = parsed(line);
      if (event !== null && typeof event === 'object') onEvent(event);
    }
  });
}

// What is no JSON is of a later version, perhaps.
function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
