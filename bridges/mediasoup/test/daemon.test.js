// SPDX-License-Identifier: Apache-2.0
// The connection to the daemon, where a test needs what the bridge does not set.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';

import { Daemon } from '../lib/daemon.js';
import { FakeDaemon } from './fake_daemon.js';

test('no question waits for ever for its answer', { timeout: 10_000 }, async (t) => {
  const fake = await new FakeDaemon().start();
  t.after(() => fake.remove());
  fake.silent = true;
  const daemon = new Daemon(fake.socket, 50);
  await assert.rejects(daemon.follow(() => {}), /no answer in 50 ms/);
  await assert.rejects(daemon.get('/v1/meetings'), /no answer in 50 ms/);
});

test('a stream of events that stands has no deadline, and tells each of them', { timeout: 10_000 }, async (t) => {
  const fake = await new FakeDaemon().start();
  t.after(() => fake.remove());
  const told = [];
  const daemon = new Daemon(fake.socket, 50);
  const events = await daemon.follow(({ event }) => told.push(event));
  await pause(100); // there is no event of a deadline that does not come
  fake.tell({ event: 'meeting_added' });
  while (told.length < 2) await turn();
  assert.deepEqual(told, ['configuration_loaded', 'meeting_added']);
  events.close();
  await events.ended;
});
