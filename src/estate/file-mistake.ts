/** A mistake in a file of the configuration, with its place: `tidemark.yaml:14:7: …`. */
export interface FileMistake {
  /** `tidemark.yaml:14:7` */
  readonly place: string;
  readonly message: string;
}

const byPlace = new Intl.Collator('en', { numeric: true });

/** One line for each, in the order of the lines of the files. */
export class FileMistakes extends Error {
  readonly mistakes: readonly FileMistake[];

  constructor(mistakes: readonly FileMistake[]) {
    const sorted = mistakes.toSorted((left, right) => byPlace.compare(left.place, right.place));
    super(sorted.map(({ place, message }) => `${place}: ${message}`).join('\n'));
    this.mistakes = sorted;
  }
}
