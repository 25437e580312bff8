import { parseHostPort, parseSwitch } from './config-values.ts';
import type { Read } from './config-values.ts';

export interface TelemetrySettings {
  /** `host:port` of this process's metrics, without logins. Undefined: none (`TIDEMARK_METRICS_ADDRESS`). */
  readonly metricsAddress: string | undefined;
  /** Whether each repository has metrics of its own (`TIDEMARK_METRICS_REPOSITORIES`). */
  readonly repositoryMetrics: boolean;
}

export function readTelemetry(read: Read): TelemetrySettings {
  return {
    metricsAddress: read('TIDEMARK_METRICS_ADDRESS', undefined, parseHostPort),
    repositoryMetrics: read('TIDEMARK_METRICS_REPOSITORIES', false, parseSwitch),
  };
}
