// SPDX-License-Identifier: Apache-2.0
// The two things that are asked of the daemon, over its Unix socket. A viewer may.
import http from 'node:http';

const ANSWER_MS = 5000;
const MOST_BYTES = 1 << 20; // of an answer, and of an event

/// {status, json}
export function get(socketPath, path) {
  return new Promise((resolve, reject) => {
    const request = http.get({ socketPath, path, agent: false, timeout: ANSWER_MS });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
    request.on('response', async (response) => {
      try {
        let text = '';
        for await (const chunk of response.setEncoding('utf8')) {
          text += chunk;
          if (text.length > MOST_BYTES) throw new Error('the answer is too large');
        }
        resolve({ status: response.statusCode, json: text === '' ? null : JSON.parse(text) });
      } catch (error) {
        reject(error);
      }
    });
  });
}

/// Resolves when the stream of events stands, to {close(), ended: promise}. The recent ones come first.
export function follow(socketPath, onEvent) {
  return new Promise((resolve, reject) => {
    const request = http.get({ socketPath, path: '/v1/events', agent: false });
    request.on('error', reject);
    request.on('response', (response) => {
      if (response.statusCode !== 200) {
        request.destroy(new Error(`the daemon answers ${response.statusCode}`));
        return;
      }
      let rest = '';
      response.setEncoding('utf8').on('data', (text) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop();
        if (rest.length > MOST_BYTES) request.destroy();
        for (const line of lines) handle(line, onEvent);
      });
      response.on('error', () => {});
      const ended = new Promise((end) => response.on('close', end));
      resolve({ ended, close: () => request.destroy() });
    });
  });
}

function handle(line, onEvent) {
  let event;
  try {
    event = JSON.parse(line);
  } catch {
    return; // of a later version, perhaps
  }
  onEvent(event);
}
