/** A mistake in a file of the configuration, with its place: `tidemark.yaml:14:7: …`. */
export interface FileMistake {
  /** `tidemark.yaml:14:7` */
  readonly place: string;
  readonly message: string;
}

export class FileMistakes extends Error {
  readonly mistakes: readonly FileMistake[];

  constructor(mistakes: readonly FileMistake[]) {
    super(mistakes.map(({ place, message }) => `${place}: ${message}`).join('\n'));
    this.mistakes = mistakes;
  }
}
