/**
 * Receives traces by OTLP over HTTP and writes them to a file: OpenTelemetry's own collector with its file exporter (scripts/install-peers.sh), or where
 * it is missing a server of our own that writes the same lines.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { freePort } from '../../../src/embedded/server-process.ts';
import { findPeer, skipWithout } from '../../interop/peers.ts';
import { until } from '../until.ts';

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes?: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
}

interface Exported {
  readonly resourceSpans?: readonly {
    readonly scopeSpans?: readonly { readonly spans?: CollectedSpan[] }[];
  }[];
}

interface Receiver {
  readonly url: string;
  close(): Promise<void>;
}

export async function openTraceCollector() {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-traces-'));
  const file = join(folder, 'traces.jsonl');
  await writeFile(file, '');
  const isReal = !skipWithout('otelcol');
  const receiver = await (isReal ? startCollector(folder, file) : startReceiver(file));
  return {
    isReal,
    /** For a program that sends its traces here. Our own server reads JSON only. */
    settings: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_BSP_SCHEDULE_DELAY: '100',
      ...(isReal ? {} : { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }),
    },
    /** The spans of a trace that have arrived. */
    async spansOf(traceId: string): Promise<CollectedSpan[]> {
      const written = await readFile(file, 'utf8');
      const lines = written.slice(0, written.lastIndexOf('\n') + 1).split('\n');
      return lines
        .filter((line) => line !== '')
        .flatMap((line) => (JSON.parse(line) as Exported).resourceSpans ?? [])
        .flatMap(({ scopeSpans = [] }) => scopeSpans.flatMap(({ spans = [] }) => spans))
        .filter((span) => span.traceId === traceId);
    },
    async close(): Promise<void> {
      await receiver.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** From the root to the span, by names. */
export function pathTo(span: CollectedSpan, spans: readonly CollectedSpan[]): string[] {
  const path = [span.name];
  for (let current: CollectedSpan | undefined = span; current?.parentSpanId;) {
    const { parentSpanId }: CollectedSpan = current;
    current = spans.find(({ spanId }) => spanId === parentSpanId);
    path.unshift(current?.name ?? `missing ${parentSpanId}`);
  }
  return path;
}

async function startCollector(folder: string, file: string): Promise<Receiver> {
  const endpoint = `127.0.0.1:${await freePort()}`;
  const config = join(folder, 'otelcol.yaml');
  // YAML has JSON in it
  await writeFile(
    config,
    JSON.stringify({
      receivers: { otlp: { protocols: { http: { endpoint } } } },
      exporters: { file: { path: file, flush_interval: '100ms' } },
      service: {
        pipelines: { traces: { receivers: ['otlp'], exporters: ['file'] } },
      },
    }),
  );
  const collector = spawn(findPeer('otelcol') ?? '', [`--config=file:${config}`], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = once(collector, 'exit');
  const url = `http://${endpoint}`;
  await until(async () => {
    if (collector.exitCode !== null) throw new Error(`otelcol ended with ${collector.exitCode}`);
    return fetch(url).then(
      () => true,
      () => false,
    );
  });
  return {
    url,
    async close() {
      collector.kill('SIGKILL');
      await ended;
    },
  };
}

async function startReceiver(file: string): Promise<Receiver> {
  const server = createServer((request, response) => {
    const receive = async (): Promise<void> => {
      await appendFile(file, `${await text(request)}\n`);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    };
    void receive();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
