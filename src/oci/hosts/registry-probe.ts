/** What a test of an upstream finds: the client of upstreams makes it, the API shows it. */
export const probeStepNames = [
  'REACH',
  'TLS',
  'LOGIN',
  'LIST',
  'HEAD',
  'REFERRERS',
  'PAGE_SIZE',
  'RATE_LIMIT',
] as const;
export type ProbeStepName = (typeof probeStepNames)[number];

/** `WARNING`: worth knowing, and a sync works all the same. `FAILED`: a sync would fail. `SKIPPED`: an earlier step failed. */
export type ProbeOutcome = 'PASSED' | 'WARNING' | 'FAILED' | 'SKIPPED';

export interface ProbeStep {
  readonly name: ProbeStepName;
  readonly outcome: ProbeOutcome;
  readonly message: string;
  /** Of the error, where there was one. */
  readonly code?: string;
}

/** `NOT_ASKED`: the remote has credentials, and the registry answered without them. */
export type ProbeLogin = 'NONE' | 'ACCEPTED' | 'NOT_ASKED' | 'REFUSED';

/** What is undefined was not found out. */
export interface RegistryProbe {
  /** One of each name, in their order. */
  readonly steps: readonly ProbeStep[];
  /** The IP address that was connected to: the proxy's, where there is one. */
  readonly address?: string | undefined;
  /** Until the first answer, the connection included. */
  readonly answeredInMs?: number | undefined;
  readonly login?: ProbeLogin | undefined;
  readonly tagsOnFirstPage?: number | undefined;
  readonly hasMoreTags?: boolean | undefined;
  readonly rateLimit?:
    | {
        readonly limit?: number;
        readonly remaining?: number;
        readonly windowMs?: number;
        readonly resetMs?: number;
      }
    | undefined;
  readonly headManifests?: boolean | undefined;
  readonly referrersApi?: boolean | undefined;
  readonly pageSizeHonoured?: boolean | undefined;
}
