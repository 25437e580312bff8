import type { Delivered, UpstreamPlace } from '../../db/upstreams/task-upstreams.ts';
import type { Place } from './places.ts';

/** Counts what each place delivers. */
export interface Deliveries {
  manifest(place: Place, bytes: number): void;
  bytes(place: Place, count: number): void;
  /** A blob whose last byte came from this place. */
  blob(place: Place): void;
}

export interface CountedDeliveries extends Deliveries {
  /** Writes what was counted since the last write. An error is reported and the counts are kept. */
  write(): Promise<void>;
}

const writeEveryMs = 1_000;

export const uncounted: Deliveries = { manifest() {}, bytes() {}, blob() {} };

/** Counts are written now and then, so that a killed worker loses only the last ones. */
export function countDeliveries(
  add: (rows: (UpstreamPlace & Delivered)[]) => Promise<void>,
  onError: (error: unknown) => void,
): CountedDeliveries {
  let counts = new Map<Place, Delivered>();
  let writtenAtMs = performance.now();
  let writing = Promise.resolve();

  function count(place: Place, more: Partial<Delivered>): void {
    const { manifests, blobs, bytes } = counts.get(place) ?? { manifests: 0, blobs: 0, bytes: 0 };
    counts.set(place, {
      manifests: manifests + (more.manifests ?? 0),
      blobs: blobs + (more.blobs ?? 0),
      bytes: bytes + (more.bytes ?? 0),
    });
    if (performance.now() - writtenAtMs >= writeEveryMs) void write();
  }

  async function writeNow(): Promise<void> {
    const taken = counts;
    if (taken.size === 0) return;
    counts = new Map();
    try {
      const rows = [...taken].map(([{ position, url, upstreamName }, delivered]) => ({
        position,
        url,
        upstreamName,
        ...delivered,
      }));
      await add(rows);
    } catch (error) {
      onError(error);
      for (const [place, delivered] of taken) count(place, delivered);
    }
  }

  function write(): Promise<void> {
    writtenAtMs = performance.now();
    writing = writing.then(writeNow);
    return writing;
  }

  return {
    manifest: (place, bytes) => count(place, { manifests: 1, bytes }),
    bytes: (place, bytes) => count(place, { bytes }),
    blob: (place) => count(place, { blobs: 1 }),
    write,
  };
}
