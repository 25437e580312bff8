import { parseHostPort, parseSwitch } from './config-values.ts';
import type { Read } from './config-values.ts';

export interface TelemetrySettings {
  /** `host:port` of this process's metrics, without logins. Undefined: none (`TIDEMARK_METRICS_ADDRESS`). */
  readonly metricsAddress: string | undefined;
  /** Whether each repository has metrics of its own (`TIDEMARK_METRICS_REPOSITORIES`). */
  readonly repositoryMetrics: boolean;
  /** Whether OpenTelemetry's own variables ask for traces. */
  readonly traces: boolean;
}

export function readTelemetry(env: NodeJS.ProcessEnv, read: Read): TelemetrySettings {
  return {
    traces: wantsTraces(env),
    metricsAddress: read('TIDEMARK_METRICS_ADDRESS', undefined, parseHostPort),
    repositoryMetrics: read('TIDEMARK_METRICS_REPOSITORIES', false, parseSwitch),
  };
}

/** A collector is named, or an exporter. OpenTelemetry reads these variables itself. */
function wantsTraces(env: NodeJS.ProcessEnv): boolean {
  const { OTEL_SDK_DISABLED: disabled = '', OTEL_TRACES_EXPORTER: exporter } = env;
  if (disabled.toLowerCase() === 'true' || exporter === 'none') return false;
  const asking = [exporter, env['OTEL_EXPORTER_OTLP_ENDPOINT'], env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']];
  return asking.some((value) => (value ?? '') !== '');
}
