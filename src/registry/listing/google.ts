import { listedDigest } from './listing.ts';
import type { ListedDigest } from './listing.ts';

/** More tags of one manifest are requested one by one. */
const tagsAtMost = 10_000;

/**
 * Collects the digests in the `manifest` map of a Google tag list: `{"manifest": {"sha256:…": {"mediaType": …, "tag": […]}}, "tags": […]}`
 * (google/go-containerregistry, pkg/v1/google/list.go). gcr.io and Artifact Registry send it with `tags/list`. `TagReader` reports the parts of
 * the document in their order.
 */
export class ManifestMap {
  #isOpen = false;
  #digest = '';
  #field = '';
  #mediaType: string | undefined;
  #tags: string[] = [];
  #listed: ListedDigest[] = [];

  /** Whether the text of a string at this depth is needed. */
  wants(depth: number, place: 'key' | 'value' | 'entry'): boolean {
    if (!this.#isOpen) return false;
    if (place === 'key') return depth === 2 || depth === 3;
    if (place === 'value') return depth === 3 && this.#field === 'mediaType';
    return depth === 4 && this.#field === 'tag';
  }

  key(depth: number, text: string): void {
    if (depth === 1) this.#isOpen = text === 'manifest';
    else if (depth === 2) this.#begin(text);
    else if (depth === 3) this.#field = text;
  }

  string(depth: number, text: string): void {
    if (depth === 3) this.#mediaType = text;
    else if (this.#tags.length < tagsAtMost) this.#tags.push(text);
  }

  /** An object or array that was open at this depth has ended. */
  close(depth: number): void {
    if (!this.#isOpen || depth !== 3) return;
    for (const name of this.#tags) {
      const listed = listedDigest(name, this.#digest, this.#mediaType);
      if (listed !== undefined) this.#listed.push(listed);
    }
    this.#begin('');
  }

  /** The digests since the last call. */
  take(): ListedDigest[] {
    const listed = this.#listed;
    this.#listed = [];
    return listed;
  }

  #begin(digest: string): void {
    this.#digest = digest;
    this.#field = '';
    this.#mediaType = undefined;
    this.#tags = [];
  }
}
