/** APIs that a registry may lack: referrers, and atomic signatures. */
export type HostCapability = 'REFERRERS' | 'SIGNATURES';

/** `reason` is a part of a sentence. A present capability is never taken for absent. */
export type RememberedCapability =
  | { readonly kind: 'present' }
  | { readonly kind: 'absent'; readonly reason: string };

/**
 * The memory of a host's clients, as one of them uses it. One client's answers never suffice for an absence, and each absence
 * expires (docs/decisions/0011-what-a-host-can-do.md). No method throws: without a memory the host is asked.
 */
export interface HostMemory {
  /** Undefined: the host must be asked. */
  recall(capability: HostCapability): Promise<RememberedCapability | undefined>;
  /** The host answered this client as one with the capability. */
  present(capability: HostCapability): Promise<void>;
  /** The host answered this client neither as one with the capability nor as one without it. Drops an absence. */
  doubt(capability: HostCapability): Promise<void>;
  /** The host answered this client as one without the capability, for this number of objects. */
  missing(
    capability: HostCapability,
    told: { readonly objects: number; readonly reason: string },
  ): Promise<void>;
}
