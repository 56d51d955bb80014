// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { parsePath, Service } from '../notice.js';
import { meaningOf } from '../notices.js';

const ANN = { meeting: 'A', participant: 'mediasoup-ann' };
const HOUR_MS = 3600 * 1000;
const PATIENCE_MS = 10_000;
const TITLE = 'Unavailable For Legal Reasons';
const LOCAL = { host: '127.0.0.1', port: 0, blockedBy: 'https://conference.example' };

class FakeDaemon {
  rules = new Map(); // "meeting/country" → until, in milliseconds
  recent = []; // events that are told again to each follower
  asked = [];
  #followers = new Set();
  #folder = mkdtempSync(path.join(tmpdir(), 'meetfence-fake-'));
  socket = path.join(this.#folder, 'control.sock');
  #server;

  async start() {
    this.#server = http.createServer((request, response) => this.#serve(request, response)).listen(this.socket);
    await new Promise((resolve) => this.#server.on('listening', resolve));
    return this;
  }

  async stop() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  remove() {
    rmSync(this.#folder, { recursive: true });
  }

  async tell(...events) {
    await waitFor(() => this.#followers.size > 0);
    for (const event of events) {
      const line = typeof event === 'string' ? event : JSON.stringify(event);
      for (const follower of this.#followers) follower.write(`${line}\n`);
    }
  }

  #serve({ url }, response) {
    this.asked.push(url);
    if (url === '/v1/events') {
      response.flushHeaders();
      for (const event of this.recent) response.write(`${JSON.stringify(event)}\n`);
      this.#followers.add(response);
      response.on('close', () => this.#followers.delete(response));
      return;
    }
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const until = this.rules.get(`${decodeURIComponent(pathname.split('/')[3])}/${searchParams.get('country')}`);
    if (until === undefined || until <= Date.now()) response.writeHead(404).end('{}');
    else response.end(JSON.stringify({ title: TITLE, status: 451, until: new Date(until).toISOString() }));
  }
}

function blocked({ meeting, participant } = ANN, country = 'CN') {
  return { event: 'participant_blocked', meeting, participant, country, rule: 'r1' };
}

async function waitFor(condition) {
  for (const end = Date.now() + PATIENCE_MS; !await condition(); await pause(5)) {
    assert.ok(Date.now() < end, `not within ${PATIENCE_MS} ms: ${condition}`);
  }
}

function scenario(name, body) {
  test(name, { timeout: 20_000 }, async () => {
    const daemon = await new FakeDaemon().start();
    daemon.rules.set('A/CN', Date.now() + HOUR_MS);
    const service = await new Service({ socket: daemon.socket, ...LOCAL }).start();
    const ask = (whom, options) => fetch(urlOf(service, whom), options);
    try {
      await body({ daemon, service, ask, isBlocked: async (whom) => (await ask(whom)).status === 451 });
    } finally {
      await service.stop();
      await daemon.stop().catch(() => {});
      daemon.remove();
    }
  });
}

function urlOf(service, { meeting, participant } = ANN) {
  const [M, P] = [meeting, participant].map(encodeURIComponent);
  return `http://127.0.0.1:${service.port}/meetings/${M}/participants/${P}`;
}

/// The events of a page, as they come.
async function listen(service, whom) {
  const response = await fetch(`${urlOf(service, whom)}/events`);
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const heard = [];
  (async () => {
    for await (const bytes of response.body) {
      for (const [, kind] of Buffer.from(bytes).toString().matchAll(/^event: (\w+)$/gm)) heard.push(kind);
    }
  })().catch(() => {});
  return heard;
}

scenario('who is blocked is told so, with the ground and by whom', async ({ daemon, ask, isBlocked }) => {
  assert.equal((await ask()).status, 404);
  await daemon.tell(blocked());
  await waitFor(isBlocked);
  const answer = await ask();
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  assert.equal(answer.headers.get('link'), '<https://conference.example/>; rel="blocked-by"');
  assert.equal((await answer.json()).title, TITLE);
  assert.ok(daemon.asked.includes('/v1/meetings/A/notice?participant=mediasoup-ann&country=CN'));
  for (const other of [{ ...ANN, meeting: 'B' }, { ...ANN, participant: 'mediasoup-bob' }]) {
    assert.equal((await ask(other)).status, 404);
  }
});

scenario('a page hears at once, and when it is over', async ({ daemon, service }) => {
  const heard = await listen(service);
  const other = await listen(service, { ...ANN, participant: 'bob' });
  await daemon.tell(blocked(), blocked());
  await waitFor(() => heard.length > 0);
  assert.deepEqual(await waitForLate(service), ['blocked']);
  daemon.rules.clear();
  await daemon.tell({ event: 'rule_ended', meeting: 'A', rule: 'r1' });
  await waitFor(() => heard.length > 1);
  assert.deepEqual([heard, other], [['blocked', 'lifted'], []]);
});

/// What a page hears that comes when somebody is blocked already.
async function waitForLate(service) {
  const late = await listen(service);
  await waitFor(() => late.length > 0);
  return late;
}

scenario('a rule that has gone without a word is asked for', async ({ daemon, isBlocked }) => {
  await daemon.tell(blocked());
  await waitFor(isBlocked);
  daemon.rules.clear();
  assert.equal(await isBlocked(), false);
});

scenario('an order that is withdrawn lifts what it demanded', async ({ daemon, service }) => {
  const heard = await listen(service);
  await daemon.tell(blocked());
  await waitFor(() => heard.length === 1);
  daemon.rules.clear();
  await daemon.tell({ event: 'order_withdrawn', order: 'O-1' });
  await waitFor(() => heard.length === 2);
});

scenario('a notice ends with its time', async ({ daemon, service }) => {
  daemon.rules.set('A/CN', Date.now() + 300);
  const heard = await listen(service);
  await daemon.tell(blocked());
  await waitFor(() => heard.length === 2);
  assert.deepEqual(heard, ['blocked', 'lifted']);
});

scenario('the filter outlives the daemon, and so does the notice', async ({ daemon, service, isBlocked }) => {
  await daemon.tell(blocked());
  await waitFor(isBlocked);
  const heard = await listen(service);
  await waitFor(() => heard.length === 1);
  await daemon.stop();
  assert.equal(await isBlocked(), true);
  daemon.rules.clear();
  const bob = { ...ANN, participant: 'bob' };
  daemon.rules.set('A/HK', Date.now() + HOUR_MS);
  daemon.recent = [blocked(bob, 'HK')];
  await daemon.start();
  await waitFor(() => heard.includes('lifted'));
  await waitFor(() => isBlocked(bob));
});

scenario('hostile lines and names do no harm', async ({ daemon, isBlocked }) => {
  const odd = { meeting: '../%2e"\\<>', participant: '__proto__' };
  daemon.rules.set(`${odd.meeting}/CN`, Date.now() + HOUR_MS);
  const nobody = [blocked({ meeting: null, participant: 'x' }), blocked({ meeting: 'A', participant: {} })];
  await daemon.tell('{', 'null', '[]', '7', '{"event": 7}', ...nobody, blocked(odd));
  await waitFor(() => isBlocked(odd));
  assert.equal(await isBlocked(), false);
});

scenario('other questions', async ({ ask, service }) => {
  assert.equal((await ask(ANN, { method: 'DELETE' })).status, 405);
  for (const wrong of ['/', '/meetings/A', '/meetings/%zz/participants/x', '//']) {
    assert.equal((await fetch(`http://127.0.0.1:${service.port}${wrong}`)).status, 404);
  }
});

test('a path names a person', () => {
  assert.deepEqual(parsePath('/meetings/a%2Fb/participants/c?x'), { meeting: 'a/b', participant: 'c', stream: false });
  assert.equal(parsePath('/meetings/A/participants/events/events').stream, true);
  const wrong = ['/meetings/A/participants/', '/meetings/%zz/participants/x', '/x'];
  assert.deepEqual(wrong.map(parsePath), [null, null, null]);
});

test('what events mean', () => {
  assert.deepEqual(meaningOf(blocked()), { blocked: { ...ANN, country: 'CN' } });
  assert.deepEqual(meaningOf({ event: 'rule_ended', meeting: 'A' }), { changed: 'A' });
  assert.deepEqual(meaningOf({ event: 'order_expired', order: 'O' }), { changed: null });
  for (const nothing of [null, {}, { event: 'drop', meeting: 'A' }, 'x']) assert.equal(meaningOf(nothing), null);
});

test('a header cannot be had by an address', () => {
  assert.throws(() => new Service({ blockedBy: 'nowhere' }), TypeError);
  assert.doesNotMatch(new Service({ blockedBy: 'https://x.example/>\r\nA: b' }).blockedBy, /[>\r\n]/);
});
