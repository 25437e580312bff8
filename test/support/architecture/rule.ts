/** Who may import what: a row of the table of docs/design.md. */
export interface Rule {
  /** Folders, or single files, of ours; its own is always allowed. `all`: the composition root. */
  readonly folders: readonly string[] | 'all';
  /** Folders of which only types may be imported. */
  readonly typesOf?: readonly string[];
  /** npm packages; `@scope/*` for all of a scope. Left out where `folders` is `all`. */
  readonly packages?: readonly string[];
  /** Modules of Node. Left out: any. */
  readonly node?: readonly string[];
  /** The end of the sentence "… may not import …:". */
  readonly why: string;
}
