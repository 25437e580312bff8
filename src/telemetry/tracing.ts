/** OpenTelemetry. It is loaded only if the environment asks for traces; the standard variables (`OTEL_…`) configure it. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { ROOT_CONTEXT, SpanKind, context, propagation, trace } from '@opentelemetry/api';
import type { ProxyTracerProvider } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { tracing } from '@opentelemetry/sdk-node';
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry/lib/client/index.js';
import {
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryActivityOutboundInterceptor,
  makeWorkflowExporter,
} from '@temporalio/interceptors-opentelemetry/lib/worker/index.js';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { TidemarkError, quoteValue } from '../oci/error.ts';
import { setTraceReader } from './trace-context.ts';
import { traceUpstreams } from './upstream-spans.ts';
import type { UpstreamSpans } from './upstream-spans.ts';

export type Tracing = ReturnType<typeof startTracing>;

/** An unreachable collector must not delay the end of a process for long. */
const flushMs = 5_000;

export function startTracing(env: NodeJS.ProcessEnv) {
  const isNamed =
    env['OTEL_SERVICE_NAME'] !== undefined || /service\.name=/.test(env['OTEL_RESOURCE_ATTRIBUTES'] ?? '');
  const sdk = new NodeSDK({
    ...(isNamed ? {} : { serviceName: 'tidemark' }),
    // Traces only: metrics are Prometheus', and the log is on standard output.
    logRecordProcessors: [],
    instrumentations: [],
  });
  // Else NodeSDK serves metrics of its own, where its variables ask for them.
  env['OTEL_METRICS_EXPORTER'] = 'none';
  sdk.start();
  checkExporter(env);
  setTraceReader(() => {
    const { traceId, spanId } = trace.getActiveSpan()?.spanContext() ?? {};
    return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId };
  });
  const upstreams = traceUpstreams();
  return {
    clientInterceptors: [clientInterceptor()],
    worker: workerParts(upstreams),
    serve: (request: TracedRequest, proceed: () => void) => serveTraced(request, proceed, upstreams),
    async close(): Promise<void> {
      upstreams.stop();
      setTraceReader(() => undefined);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, flushMs);
      });
      await Promise.race([sdk.shutdown().catch(() => undefined), late]);
      clearTimeout(timer);
    },
  };
}

/** NodeSDK ignores a name that it does not know. @throws TidemarkError `CONFIG_INVALID` */
function checkExporter(env: NodeJS.ProcessEnv): void {
  const provider = (trace.getTracerProvider() as ProxyTracerProvider).getDelegate();
  if ('getActiveSpanProcessor' in provider) return;
  throw new TidemarkError(
    'CONFIG_INVALID',
    `OTEL_TRACES_EXPORTER is ${quoteValue(env['OTEL_TRACES_EXPORTER'])}, which no exporter has as its name; expected otlp, console, zipkin, or none.`,
    { origin: 'caller' },
  );
}

/** Starts of workflows only: what the periodic looks ask of Temporal would be a trace each. */
function clientInterceptor() {
  const interceptor = new OpenTelemetryWorkflowClientInterceptor();
  return {
    start: interceptor.start.bind(interceptor),
    startWithDetails: interceptor.startWithDetails.bind(interceptor),
  };
}

const interceptActivity: ActivityInterceptorsFactory = (activityContext) => ({
  inbound: new OpenTelemetryActivityInboundInterceptor(activityContext),
  outbound: new OpenTelemetryActivityOutboundInterceptor(activityContext),
});

/** Inside of the span of the activity. */
const endRequests =
  (upstreams: UpstreamSpans): ActivityInterceptorsFactory =>
  () => ({
    inbound: {
      async execute(input, next) {
        try {
          return await next(input);
        } finally {
          upstreams.endOf(trace.getActiveSpan());
        }
      },
    },
  });

function workerParts(upstreams: UpstreamSpans) {
  const provider = (
    trace.getTracerProvider() as ProxyTracerProvider
  ).getDelegate() as tracing.BasicTracerProvider;
  return {
    interceptors: {
      activity: [interceptActivity, endRequests(upstreams)],
      client: { workflow: [clientInterceptor()] },
    },
    // Workflows have no I/O: their spans come out through a sink.
    sinks: { exporter: makeWorkflowExporter(provider.getActiveSpanProcessor(), provider.resource) },
  };
}

interface TracedRequest {
  readonly name: string;
  readonly headers: IncomingHttpHeaders;
  readonly response: ServerResponse;
  /** Of GraphQL; the caller chooses it. */
  readonly operationName: string | undefined;
}

/** Runs `proceed`, and all that follows from it, in a span that ends with the response. A caller's trace is continued. */
function serveTraced(
  { name, headers, response, operationName }: TracedRequest,
  proceed: () => void,
  upstreams: UpstreamSpans,
): void {
  // Not its baggage, which would be kept in Temporal's histories.
  const { traceparent, tracestate } = headers;
  const parent = propagation.extract(ROOT_CONTEXT, { traceparent, tracestate });
  const span = trace.getTracer('tidemark').startSpan(name, { kind: SpanKind.SERVER }, parent);
  if (operationName !== undefined) span.setAttribute('graphql.operation.name', operationName.slice(0, 100));
  response.once('close', () => {
    span.setAttribute('http.response.status_code', response.statusCode);
    upstreams.endOf(span);
    span.end();
  });
  context.with(trace.setSpan(parent, span), proceed);
}
