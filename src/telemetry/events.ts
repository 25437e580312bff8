/**
 * What parts of the program publish for metrics and traces, on Node's diagnostics channels. Without a subscriber, publishing costs nothing.
 * Nothing in an event is secret.
 */
import { channel } from 'node:diagnostics_channel';
import type { Channel } from 'node:diagnostics_channel';

export interface EventChannel<T> {
  readonly hasSubscribers: boolean;
  publish(event: T): void;
  /** @returns a function that ends the subscription. */
  subscribe(take: (event: T) => void): () => unknown;
}

function createChannel<T>(name: string): EventChannel<T> {
  const own: Channel = channel(`tidemark:${name}`);
  return {
    get hasSubscribers() {
      return own.hasSubscribers;
    },
    publish: (event) => own.publish(event),
    subscribe(take) {
      const listener = (event: unknown): void => take(event as T);
      own.subscribe(listener);
      return () => own.unsubscribe(listener);
    },
  };
}

/** One request to an upstream. The same object is published at each moment. */
export interface UpstreamRequest {
  readonly method: string;
  /** With the port, if it is not the scheme's. */
  readonly host: string;
  /** Without the query, which may have a signature. */
  readonly path: string;
  /** Until the head of the answer, or the failure. */
  headSeconds: number;
  /** Undefined before the answer, and if there is none. */
  status?: number;
  error?: unknown;
  /** Of the body so far, and of the chunk that came last. */
  bodyBytes: number;
  chunkBytes: number;
}

export const upstreamEvents = {
  began: createChannel<UpstreamRequest>('upstream:began'),
  answered: createChannel<UpstreamRequest>('upstream:answered'),
  received: createChannel<UpstreamRequest>('upstream:received'),
  /** The body is read or not wanted, or the request has failed. */
  ended: createChannel<UpstreamRequest>('upstream:ended'),
};

export interface EndedTask {
  readonly name: string;
  readonly trigger: string;
  readonly outcome: string;
  /** Of a failed task. */
  readonly code: string | null;
  /** Since a worker took it. */
  readonly seconds: number;
}

/** Published once for each task, by the process that ends it. */
export const taskEnded = createChannel<EndedTask>('task:ended');

export interface ServedRequest {
  readonly area: 'pull' | 'push' | 'graphql';
  /** `manifest`, `blob`, `tags`, `referrers` or `other`. */
  readonly resource: string;
  readonly status: number;
  /** The client left, or the content ended early. */
  readonly isAborted: boolean;
  /** Sent, with the head. */
  readonly bytes: number;
  readonly seconds: number;
}

/** An attempt to deliver an event to a webhook. `retried`: it failed, and there will be another one. */
export const webhookAttempted = createChannel<{ readonly result: 'delivered' | 'retried' | 'failed' }>(
  'webhook:attempted',
);

export const requestServed = createChannel<ServedRequest>('api:served');

/** A tag was served although it may be outdated, by the reason. */
export const staleTagServed = createChannel<{ readonly reason: string }>('api:stale-tag');
