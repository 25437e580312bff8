/** Receives traces by OTLP over HTTP in JSON, and writes them to a file as the file exporter of OpenTelemetry's collector does. */
import { appendFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes?: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
}

interface Exported {
  readonly resourceSpans?: readonly {
    readonly scopeSpans?: readonly { readonly spans?: ReceivedSpan[] }[];
  }[];
}

export async function openOtlpReceiver(file: string) {
  const spans: ReceivedSpan[] = [];
  const server = createServer((request, response) => {
    const receive = async (): Promise<void> => {
      const body = await text(request);
      const { resourceSpans = [] } = JSON.parse(body) as Exported;
      for (const { scopeSpans = [] } of resourceSpans)
        for (const scope of scopeSpans) spans.push(...(scope.spans ?? []));
      await appendFile(file, `${body}\n`);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    };
    void receive();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    /** From the root to the span, by names. */
    pathTo(span: ReceivedSpan): string[] {
      const path = [span.name];
      for (let current: ReceivedSpan | undefined = span; current?.parentSpanId;) {
        const { parentSpanId }: ReceivedSpan = current;
        current = spans.find(({ spanId }) => spanId === parentSpanId);
        path.unshift(current?.name ?? `missing ${parentSpanId}`);
      }
      return path;
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
