/** The result of an upstream's test, from the registry client to the API. */
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

/** `WARNING`: a sync works anyway. `FAILED`: a sync would fail. `SKIPPED`: an earlier step failed. */
export type ProbeOutcome = 'PASSED' | 'WARNING' | 'FAILED' | 'SKIPPED';

export interface ProbeStep {
  readonly name: ProbeStepName;
  readonly outcome: ProbeOutcome;
  readonly message: string;
  /** The error's code, if there was one. */
  readonly code?: string;
}

/** `NOT_ASKED`: the remote has credentials, but the registry answered without them. */
export type ProbeLogin = 'NONE' | 'ACCEPTED' | 'NOT_ASKED' | 'REFUSED';

/** Undefined fields are unknown. */
export interface RegistryProbe {
  /** One per name, in order. */
  readonly steps: readonly ProbeStep[];
  /** The connected IP address, which is the proxy's if there is one. */
  readonly address?: string | undefined;
  /** The time to the first answer, including the connection. */
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
