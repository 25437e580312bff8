import { SpanKind, SpanStatusCode, TraceFlags, context, trace } from '@opentelemetry/api';
import type { Attributes, Context, Span } from '@opentelemetry/api';
import { upstreamEvents } from './events.ts';
import type { UpstreamRequest } from './events.ts';

export interface UpstreamSpans {
  /** No request of this span begins any more, but for those of work that it leaves behind. */
  endOf(parent: Span | undefined): void;
  stop(): void;
}

/** A sync of 10,000 tags would be a trace that no collector keeps and no person reads. */
const spansOfEach = 50;
const slowMs = 1_000;

/**
 * A span for each of the first 50 requests to upstreams of one activity or API request, and for each that fails or is slow. The others are counted: one
 * span for all requests with the same method, host and status.
 */
export function traceUpstreams(): UpstreamSpans {
  const groups = new WeakMap<Span, Group>();
  const spans = new WeakMap<UpstreamRequest, Span>();
  const counted = new WeakMap<UpstreamRequest, CountedRequest>();
  const stops = [
    upstreamEvents.began.subscribe((request) => {
      const parent = trace.getActiveSpan();
      if (parent === undefined) return void spans.set(request, startSpan(request));
      if ((parent.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
      const group = groups.get(parent) ?? createGroup();
      groups.set(parent, group);
      group.begun += 1;
      group.open += 1;
      counted.set(request, { group, beganMs: now() });
      if (group.begun <= spansOfEach) spans.set(request, startSpan(request));
      return undefined;
    }),
    upstreamEvents.ended.subscribe((request) => {
      const own = spans.get(request);
      const entry = counted.get(request);
      if (own !== undefined) endSpan(own, request);
      else if (entry !== undefined) note(entry, request);
      if (entry !== undefined) close(entry.group);
    }),
  ];
  return {
    endOf(parent) {
      const group = parent && groups.get(parent);
      if (group === undefined) return;
      group.hasEnded = true;
      if (group.open === 0) publish(group);
    },
    stop() {
      for (const stop of stops) stop();
    },
  };
}

/** The requests of one activity or API request. */
interface Group {
  readonly context: Context;
  begun: number;
  open: number;
  hasEnded: boolean;
  /** By method, host and status. */
  readonly counts: Map<string, Count>;
}

interface Count {
  readonly request: UpstreamRequest;
  readonly beganMs: number;
  endedMs: number;
  requests: number;
  bodyBytes: number;
  busyMs: number;
}

interface CountedRequest {
  readonly group: Group;
  readonly beganMs: number;
}

function createGroup(): Group {
  return { context: context.active(), begun: 0, open: 0, hasEnded: false, counts: new Map() };
}

function note({ group, beganMs }: CountedRequest, request: UpstreamRequest): void {
  const { method, host, status, error, bodyBytes } = request;
  const endedMs = now();
  const busyMs = endedMs - beganMs;
  if (error !== undefined || hasFailed(status) || busyMs >= slowMs)
    return endSpan(startSpan(request, { startTime: beganMs, parent: group.context }), request, endedMs);
  const key = `${method} ${host} ${status}`;
  const known = group.counts.get(key);
  const count = known ?? { request, beganMs, endedMs, requests: 0, bodyBytes: 0, busyMs: 0 };
  if (known === undefined) group.counts.set(key, count);
  count.endedMs = endedMs;
  count.requests += 1;
  count.bodyBytes += bodyBytes;
  count.busyMs += busyMs;
}

function hasFailed(status: number | undefined): boolean {
  return status === undefined || status === 429 || status >= 500;
}

function close(group: Group): void {
  group.open -= 1;
  if (group.hasEnded && group.open === 0) publish(group);
}

function publish(group: Group): void {
  for (const { request, beganMs, endedMs, requests, bodyBytes, busyMs } of group.counts.values()) {
    const span = startSpan(request, { startTime: beganMs, parent: group.context, isCount: true });
    span.setAttributes({ 'tidemark.request.count': requests, 'tidemark.request.seconds': busyMs / 1_000 });
    endSpan(span, { ...request, bodyBytes }, endedMs);
  }
  group.counts.clear();
}

interface SpanStart {
  readonly startTime?: number;
  readonly parent?: Context;
  /** Of many requests, which have no path in common. */
  readonly isCount?: boolean;
}

function startSpan(
  { method, host, path }: UpstreamRequest,
  { startTime, parent = context.active(), isCount = false }: SpanStart = {},
): Span {
  const attributes: Attributes = { 'http.request.method': method, 'server.address': host };
  if (!isCount) attributes['url.path'] = path;
  return trace
    .getTracer('tidemark')
    .startSpan(
      `${method} ${host}`,
      { kind: SpanKind.CLIENT, attributes, ...(startTime !== undefined && { startTime }) },
      parent,
    );
}

function endSpan(span: Span, { status, error, bodyBytes }: UpstreamRequest, endTime?: number): void {
  if (status !== undefined) span.setAttribute('http.response.status_code', status);
  if (bodyBytes > 0) span.setAttribute('http.response.body.size', bodyBytes);
  if (error instanceof Error) span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
  span.end(endTime);
}

/** Milliseconds since 1970, with fractions. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
