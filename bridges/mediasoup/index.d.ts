// SPDX-License-Identifier: Apache-2.0
import { EventEmitter } from 'node:events';

export type Place = { meeting?: string | number; participant?: string | number };

export type BridgeOptions = {
  /** The daemon's control socket; default /run/meetfence/control.sock. */
  socket?: string;
  /** Of the participants' identifiers; a bridge takes whoever has it for its own. Default 'mediasoup-'. */
  prefix?: string;
  /** Keys of appData, or a function; null: whose the transport is is not certain, and it is not bound. */
  identify?: { meeting?: string; participant?: string } | ((transport: any, router: any) => Place | null);
  /** Announced address or name → local address. */
  addresses?: Record<string, string>;
  /** Bind 'udp:*:port', whatever address is announced. */
  anyAddress?: boolean;
  /** Register meetings that the daemon does not know. Default true. */
  registerMeetings?: boolean;
  /** Everything is told anew this often, and after every reconnect. Default 300. */
  resyncSeconds?: number;
  maxPending?: number;
  maxPauseMs?: number;
};

export type BridgeStatus = {
  connected: boolean;
  meetings: number;
  participants: number;
  transports: number;
  bindings: number;
  /** Transports that are there and not bound, by reason. */
  unbound: Record<string, number>;
  pending: number;
  resyncs: number;
  /** Refusals since the start, of whoever was tried again, too. */
  refused: number;
  lag_ms: number | null;
};

export declare class Bridge extends EventEmitter<{ warning: [Error] }> {
  constructor(options?: BridgeOptions);
  observe(mediasoup: { observer: any }): this;
  adopt(object: any, router?: any): this;
  settled(): Promise<void>;
  status(): BridgeStatus;
  close(): void;
}
