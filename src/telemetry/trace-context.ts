/** The trace that the running code belongs to. Nothing of OpenTelemetry is loaded for this. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
}

let read: () => TraceContext | undefined = () => undefined;

/** Undefined outside of a trace, and while tracing is off. */
export function currentTrace(): TraceContext | undefined {
  return read();
}

/** For tracing, which is one for a process. */
export function setTraceReader(reader: () => TraceContext | undefined): void {
  read = reader;
}
