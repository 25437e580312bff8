/** A worker process is SIGKILLed at each step of a sync; another one goes on, and the version is that of an undisturbed sync. */
import { expect, test } from 'vitest';
import { addImage } from '../../src/demo/sample-image.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';
import { until } from '../support/until.ts';
import { somethingWaits, withOperator } from './operator.ts';
import { openScene, routes, stuck } from './scene.ts';
import type { Scene } from './scene.ts';

const completed = { state: 'COMPLETED', createdVersion: 1 };

async function withScene(play: (scene: Scene) => Promise<void>): Promise<void> {
  const scene = await openScene();
  try {
    await play(scene);
  } finally {
    await scene.close();
  }
}

test.concurrent.for([
  { name: 'it lists tags', route: () => routes.list },
  { name: 'it reads manifests', route: () => routes.manifest },
  { name: 'it asks for a blob', route: ({ large }: Scene) => large.route },
])('fault 95: killed while $name', ({ route }) =>
  withScene(async (scene) => {
    const first = await scene.stack.launch('worker');
    const held = scene.hold(route(scene));
    const task = await scene.stack.start(scene.ids);
    await held.reached();
    await first.end('SIGKILL');
    held.open();
    await scene.stack.launch('worker');
    expect(await scene.stack.finish(task)).toMatchObject(completed);
    await scene.expectWhole();
  }),
);

test.concurrent('fault 95: killed before the last byte of a blob: it is resumed, and what was finished is not fetched again', () =>
  withScene(async (scene) => {
    const { stack, upstream, large, content } = scene;
    const partials = async () =>
      (await stack.files('partial')).filter((name) => name.includes(large.digest.slice(7)));
    const first = await stack.launch('worker');
    upstream.on(large.route, stuck(large.bytes, 1));
    const task = await stack.start(scene.ids);
    await until(async () => {
      const [row] = await stack.em().execute<{ done: number; bytes: number }[]>(
        `select (select count(*) from sync_blob where task_id = ? and is_done) as done,
            (select coalesce(sum(bytes_done), 0)::bigint from task_progress where task_id = ?) as bytes`,
        [task.id, task.id],
      );
      return row?.done === content.blobs.size - 1 && row.bytes >= large.bytes.length - 1;
    });
    // what has been counted may still be on its way to the file
    await until(async () => {
      const [name = ''] = await partials();
      return (await stack.fileSize('partial', name)) === large.bytes.length - 1;
    });
    await first.end('SIGKILL');
    expect(await partials()).toHaveLength(1);
    const asked = upstream.requests.length;
    upstream.on(large.route, sampleAnswers(content));
    await stack.launch('worker');
    expect(await stack.finish(task)).toMatchObject(completed);
    await scene.expectWhole();
    const later = upstream.requests.slice(asked).filter(({ path }) => path.includes('/blobs/'));
    expect(later.map(({ method, path, headers }) => [`${method} ${path}`, headers.range])).toEqual([
      [large.route, `bytes=${large.bytes.length - 1}-`],
    ]);
    expect(await partials()).toEqual([]);
  }));

test.concurrent('fault 95: killed while one bad tag has failed and others are fetched: the others are committed, and the bad one is named', () =>
  withScene(async (scene) => {
    const { stack, upstream, large, content } = scene;
    const bad = addImage(content, { seed: `bad-${process.pid}`, layers: [700], tag: 'bad' });
    const { layers } = JSON.parse(content.manifests.get(bad.digest)?.bytes.toString() ?? '') as {
      layers: { digest: Digest }[];
    };
    for (const { digest } of layers) content.blobs.delete(digest);
    const first = await stack.launch('worker');
    upstream.on(large.route, stuck(large.bytes, 1));
    const task = await stack.start(scene.ids);
    await until(
      async () =>
        (await stack.em().execute('select from sync_failure where task_id = ?', [task.id])).length === 1,
    );
    await first.end('SIGKILL');
    upstream.on(large.route, sampleAnswers(content));
    await stack.launch('worker');
    expect(await stack.finish(task)).toMatchObject(completed);
    const [version] = await stack.versions(scene.ids.repositoryId);
    expect(Object.keys(version?.tags ?? {})).toEqual(['one', 'two']);
    const failed = await stack
      .em()
      .execute(`select name, new_digest from task_tag where task_id = ? and outcome = 'FAILED'`, [task.id]);
    expect(failed).toEqual([{ name: 'bad', new_digest: bad.digest }]);
  }));

test.concurrent('fault 95: killed after the rename and before the database row: the blob is there and not fetched again', () =>
  withScene((scene) =>
    withOperator(scene.stack, async (operator) => {
      const { stack, upstream, large } = scene;
      const first = await stack.launch('worker');
      const held = scene.hold(large.route);
      const task = await stack.start(scene.ids);
      await held.reached();
      // from now on no row can be marked; then the bytes come
      await operator.query('begin; lock table sync_blob in share mode');
      held.open();
      await until(async () => (await stack.files('blobs/sha256')).includes(large.digest.slice(7)));
      await first.end('SIGKILL');
      const asked = upstream.requestsOf(large.route).length;
      const stored = await operator.query('select stored_at from blob where digest = $1', [large.digest]);
      expect(stored.rows).toEqual([{ stored_at: null }]);
      await operator.query('commit');
      await stack.launch('worker');
      expect(await stack.finish(task)).toMatchObject(completed);
      await scene.expectWhole();
      expect(upstream.requestsOf(large.route)).toHaveLength(asked);
    }),
  ));

test.concurrent.for([
  { name: 'before it has the repository', lock: 'select from repository for no key update' },
  { name: 'with all but the number written', lock: 'lock table repository_version in share mode' },
])('fault 95: killed in the commit, $name', ({ lock }) =>
  withScene((scene) =>
    withOperator(scene.stack, async (operator) => {
      const { stack, ids } = scene;
      const first = await stack.launch('worker');
      const held = scene.hold(routes.list);
      const task = await stack.start(ids);
      await held.reached();
      await operator.query(`begin; ${lock}`);
      held.open();
      await until(
        async () => (await stack.read(task)).stage === 'COMMITTING' && (await somethingWaits(operator)),
      );
      await first.end('SIGKILL');
      expect(await stack.versions(ids.repositoryId)).toEqual([]);
      await operator.query('commit');
      await stack.launch('worker');
      expect(await stack.finish(task)).toMatchObject(completed);
      await scene.expectWhole();
    }),
  ),
);
