// SPDX-License-Identifier: Apache-2.0
// meetfenced's control socket as far as the bridge uses it, with what a test needs of bad days.
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';

const AS_REGISTERED = { endpoints: [], shared_endpoints: [], turn_endpoints: [], until: null };

export class FakeDaemon {
  meetings = new Map(); // id → Map(participant → body)
  inUse = new Set(); // meetings that are not to be removed as unused
  changed = new Map(); // meeting → what an operator has written into it
  log = []; // "PUT /v1/…", also of a batch's lines
  refusing = null; // a status for every PUT of a participant
  forbidding = false; // who asks is a viewer
  appearing = null; // a meeting that somebody else registers, just when it was missed
  silent = false; // takes requests, and answers none
  #folder = mkdtempSync(path.join(tmpdir(), 'meetfence-fake-'));
  #server;
  #followers = new Set();

  get socket() {
    return path.join(this.#folder, 'control.sock');
  }

  async start() {
    this.#server = http.createServer((request, response) => this.#serve(request, response));
    this.#server.listen(this.socket);
    await new Promise((resolve) => this.#server.on('listening', resolve));
    return this;
  }

  /// As when it is killed: every connection ends. `forgetting`: with its state.
  async stop({ forgetting = false } = {}) {
    if (forgetting) this.meetings.clear();
    const server = this.#server;
    this.#server = undefined;
    this.#followers.clear();
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  async remove() {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /// As somebody else does it.
  removeMeeting(meeting) {
    this.meetings.delete(meeting);
    this.tell({ time: new Date().toISOString(), event: 'meeting_removed', meeting });
  }

  /// Events, or lines that are none.
  tell(...events) {
    for (const event of events) {
      const line = typeof event === 'string' ? event : JSON.stringify(event);
      for (const follower of this.#followers) follower.write(`${line}\n`);
    }
  }

  get following() {
    return this.#followers.size;
  }

  /// "M/P" → body, of everybody.
  get people() {
    return Object.fromEntries([...this.meetings].flatMap(([meeting, people]) =>
      [...people].map(([participant, body]) => [`${meeting}/${participant}`, body])));
  }

  #serve(request, response) {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      if (this.silent) return;
      if (request.url === '/v1/events') {
        response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
        response.write('{"event": "configuration_loaded"}\n');
        this.#followers.add(response);
        response.on('close', () => this.#followers.delete(response));
      } else if (request.url === '/v1/batch' && this.forbidding) {
        response.writeHead(403).end();
      } else if (request.url === '/v1/batch') {
        response.end(body.split('\n').filter(Boolean).map((line) => this.#line(JSON.parse(line))).join(''));
      } else {
        const { status, json } = this.#do(request.method, request.url, body ? JSON.parse(body) : undefined);
        response.writeHead(status).end(json === undefined ? '' : JSON.stringify(json));
      }
    });
  }

  #line({ method, path: target, body }) {
    const { status } = this.#do(method, target, body);
    return `${JSON.stringify(status < 300 ? { status } : { type: 'about:blank', title: 'No', status })}\n`;
  }

  #do(method, target, body) {
    this.log.push(`${method} ${target}`);
    const [, , meeting, , participant] = target.replace('?unused=true', '').slice(1).split('/').map(decodeURIComponent);
    if (meeting === undefined) return { status: 200, json: list(this.meetings) };
    if (participant !== undefined) return this.#participant(method, meeting, participant, body);
    const people = this.meetings.get(meeting);
    if (method === 'PUT') {
      this.meetings.set(meeting, people ?? new Map());
      return { status: people ? 200 : 201 };
    }
    if (people === undefined) return { status: 404 };
    if (method === 'GET' && target.endsWith('/participants')) return { status: 200, json: list(people) };
    if (method === 'GET') return { status: 200, json: { ...AS_REGISTERED, ...this.changed.get(meeting) } };
    if (!target.endsWith('?unused=true') || this.inUse.has(meeting) || people.size > 0) return { status: 409 };
    this.meetings.delete(meeting);
    return { status: 204 };
  }

  #participant(method, meeting, participant, body) {
    const people = this.meetings.get(meeting);
    if (this.appearing === meeting) this.meetings.set(meeting, people ?? new Map());
    if (people === undefined) return { status: 404 };
    if (method === 'DELETE') return { status: people.delete(participant) ? 204 : 404 };
    if (this.refusing !== null) return { status: this.refusing };
    if (this.#isAnothers(meeting, participant, body)) return { status: 409 };
    const status = people.has(participant) ? 200 : 201;
    people.set(participant, body);
    return { status };
  }

  #isAnothers(meeting, participant, body) {
    const claimed = new Set(body.ufrags.map(({ ufrag }) => ufrag));
    return Object.entries(this.people).some(([whose, { ufrags }]) =>
      whose !== `${meeting}/${participant}` && ufrags.some(({ ufrag }) => claimed.has(ufrag)));
  }
}

function list(map) {
  return [...map.keys()].map((id) => ({ id }));
}
