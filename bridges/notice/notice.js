// SPDX-License-Identifier: Apache-2.0
// Tells people who are kept out of a meeting that they are, on whose demand and until when. It follows the daemon's
// events, and answers the signalling side over HTTP. An example, and small enough to be copied: README.md.
import { realpathSync } from 'node:fs';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { Notices } from './notices.js';

const MOST_STREAMS = 10_000;
const MOST_UNREAD_BYTES = 64 << 10; // of a page that does not read
const ALIVE_MS = 20_000; // less than proxies wait

const PATH = /^\/meetings\/([^/]+)\/participants\/([^/]+?)(\/events)?$/;

/// Whom a path is about; null for any other path.
export function parsePath(url) {
  const found = PATH.exec(url.split('?')[0]);
  if (found === null) return null;
  try {
    const [meeting, participant] = found.slice(1, 3).map(decodeURIComponent);
    return { meeting, participant, stream: found[3] !== undefined };
  } catch {
    return null; // a broken escape
  }
}

export class Service {
  #streams = new Map(); // response → whom it is about
  #notices;
  #server;
  #alive;

  /// options: {socket, host, port, blockedBy}
  constructor(options) {
    this.blockedBy = new URL(options.blockedBy).href; // an address cannot end the header
    this.options = options;
    this.#notices = new Notices(options, (whom, notice) => this.#tell(whom, notice));
    this.#server = http.createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  async start() {
    this.#notices.start();
    await new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(this.options.port, this.options.host, resolve);
    });
    this.#alive = setInterval(() => this.#eachStream((stream) => stream.write(':\n\n')), ALIVE_MS);
    return this;
  }

  get port() {
    return this.#server.address().port;
  }

  async stop() {
    clearInterval(this.#alive);
    this.#notices.close();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request, response) {
    const whom = parsePath(request.url);
    if (whom === null) return problem(response, 404, 'There is nothing here');
    if (request.method !== 'GET') return problem(response, 405, 'Only GET is answered', { Allow: 'GET' });
    const notice = await this.#notices.ask(whom);
    if (whom.stream) return this.#open(response, whom, notice);
    if (notice === null) return problem(response, 404, 'Nobody is known to keep this participant out');
    return send(response, 451, notice, { Link: `<${this.blockedBy}>; rel="blocked-by"` });
  }

  #open(response, whom, notice) {
    if (this.#streams.size >= MOST_STREAMS) return problem(response, 503, 'Too many pages are listening');
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.flushHeaders();
    this.#streams.set(response, whom);
    response.on('close', () => this.#streams.delete(response));
    // It may have changed while it was asked for: what is kept is the newest.
    const now = this.#notices.kept(whom) ?? notice;
    if (now !== null) response.write(toEvent(now));
    return undefined;
  }

  #tell(whom, notice) {
    this.#eachStream((stream, { meeting, participant }) => {
      if (meeting === whom.meeting && participant === whom.participant) stream.write(toEvent(notice));
    });
  }

  #eachStream(action) {
    for (const [stream, whom] of this.#streams) {
      if (stream.writableLength > MOST_UNREAD_BYTES) stream.destroy();
      else action(stream, whom);
    }
  }
}

function toEvent(notice) {
  return `event: ${notice === null ? 'lifted' : 'blocked'}\ndata: ${JSON.stringify(notice ?? {})}\n\n`;
}

function problem(response, status, title, headers = {}) {
  return send(response, status, { type: 'about:blank', title, status }, headers);
}

function send(response, status, body, headers) {
  response.writeHead(status, { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store', ...headers });
  response.end(JSON.stringify(body));
}

async function main() {
  const { values } = parseArgs({ options: {
    socket: { type: 'string', default: '/run/meetfence/control.sock' },
    listen: { type: 'string', default: '127.0.0.1:9441' },
    'blocked-by': { type: 'string' },
  } });
  const at = /^\[?([^\]]+)\]?:(\d+)$/.exec(values.listen);
  if (at === null) throw new Error(`--listen ${values.listen} is not an address and a port: 127.0.0.1:9441`);
  const { socket, 'blocked-by': blockedBy } = values;
  if (blockedBy === undefined) {
    throw new Error('--blocked-by is missing: the address of who runs this service, as https://conference.example/');
  }
  const service = await new Service({ socket, host: at[1], port: Number(at[2]), blockedBy }).start();
  console.error(`meetfence-notice answers on ${values.listen.replace(/\d+$/, service.port)}`);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(`meetfence-notice: ${error.message}`);
    process.exitCode = 1;
  });
}
