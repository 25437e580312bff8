import type { Remote } from '../../../src/db/schema/remotes.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Named, Place } from '../support/tenants.ts';

export interface Row {
  readonly name: string;
  readonly remote?: Partial<Remote>;
  readonly pullThrough?: boolean;
  /** What the upstream of `a` serves; it never has what is named. */
  readonly plant: (repository: SampleRepository, named: Named) => void;
  /** What it answers besides. */
  readonly answer?: (place: Place, named: Named) => void;
  /** Synced before it is planted, and once more after. */
  readonly isSecond?: boolean;
  /** Nobody else has its manifest: what was read out of the config, which trust is decided by, is compared too. */
  readonly isOwnDocument?: boolean;
  readonly remoteOf?: (named: Named) => Partial<Remote>;
}

let places = 0;
export const ownNumber = (): string => String(places).padStart(3, '0');

/** Each place has seeds and a name of its own. */
export function nextNumber(): string {
  places += 1;
  return ownNumber();
}
