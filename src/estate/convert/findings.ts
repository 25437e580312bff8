/** Where a value begins in the file, from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/**
 * `LEFT_OUT`: has no equivalent. `DIFFERS`: converted to something that does not mean exactly the same. `TO_DO`: converted, and needs a
 * person's hand, such as a variable to set.
 */
export type FindingKind = 'LEFT_OUT' | 'DIFFERS' | 'TO_DO';

export interface Finding extends Place {
  readonly kind: FindingKind;
  /** The field, as `sync[2].backup`. */
  readonly path: string;
  /** A sentence. It never contains a secret. */
  readonly message: string;
}

/** Something in the file that a finding can be about. */
export interface Located {
  readonly place: Place;
  readonly path: string;
}

/** Collects what a conversion has to tell, each thing once. */
export class Findings {
  readonly #found = new Map<string, Finding>();

  leftOut(about: Located, message: string): void {
    this.#add('LEFT_OUT', about, message);
  }

  differs(about: Located, message: string): void {
    this.#add('DIFFERS', about, message);
  }

  toDo(about: Located, message: string): void {
    this.#add('TO_DO', about, message);
  }

  /** In the order of the file. */
  list(): Finding[] {
    return [...this.#found.values()].sort((one, other) => one.line - other.line || one.column - other.column);
  }

  /** An alias is read once for each of its uses, and reported once. */
  #add(kind: FindingKind, { place, path }: Located, message: string): void {
    const key = `${place.line}:${place.column}:${kind}:${message}`;
    if (!this.#found.has(key)) this.#found.set(key, { kind, ...place, path, message });
  }
}

const words: Readonly<Record<FindingKind, string>> = {
  LEFT_OUT: 'left out',
  DIFFERS: 'differs',
  TO_DO: 'to do',
};

/** `regsync.yml:14:7: left out: sync[2].backup: …` */
export function describeFinding(file: string, { line, column, kind, path, message }: Finding): string {
  return `${file}:${line}:${column}: ${words[kind]}: ${path === '' ? '' : `${path}: `}${message}`;
}
