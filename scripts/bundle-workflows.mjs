/** Bundles the workflow code at build time: done by each worker at its start it would cost seconds and 200 MB. */
import { createRequire } from 'node:module';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist');
const workflowsPath = join(dist, 'workflows', 'index.js');

if (!existsSync(workflowsPath)) {
  console.error(
    'dist/workflows/index.js is missing: src/workflows/index.ts has to export every workflow, and tsc runs first.',
  );
  process.exit(1);
}

const { DefaultLogger, bundleWorkflowCode } = await import('@temporalio/worker');
const tracing = createRequire(import.meta.url).resolve(
  '@temporalio/interceptors-opentelemetry/lib/workflow-interceptors',
);
for (const [name, workflowInterceptorModules] of [
  ['workflow-bundle.js', []],
  // for workers that send traces
  ['workflow-bundle-traced.js', [tracing]],
]) {
  const options = { workflowsPath, workflowInterceptorModules, logger: new DefaultLogger('WARN') };
  const { code } = await bundleWorkflowCode(options);
  writeFileSync(join(dist, name), slim(code));
}

/**
 * A worker holds the text twice, in the main thread and in that of the workflows, and two bytes a character where one is beyond Latin-1: 9 MB
 * in all. So the map goes without the sources, of which stack traces need nothing, and the text is ASCII.
 */
function slim(text) {
  const [program, encodedMap] = text.split(
    '//# sourceMappingURL=data:application/json;charset=utf-8;base64,',
  );
  if (encodedMap === undefined) throw new Error('the bundle of the workflows has no source map at its end');
  const map = JSON.parse(Buffer.from(encodedMap, 'base64').toString());
  delete map.sourcesContent;
  const slimMap = Buffer.from(JSON.stringify(map)).toString('base64');
  // in a string, a template or a regular expression the escape means the same, in a comment nothing
  const ascii = program.replaceAll(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${ascii}//# sourceMappingURL=data:application/json;charset=utf-8;base64,${slimMap}\n`;
}
