/** dockerd, containerd and podman, pointed at this server by the files that it writes for them; their names of images stay as they are. */
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runPodman, startContainerd } from './containerd-engine.ts';
import type { ContainerdEngine } from './containerd-engine.ts';
import { skipWithoutEngine, startDockerEngine } from './docker-engine.ts';
import { readClientFiles, sourcesOf } from './client-files.ts';
import { skipWithout } from './peers.ts';
import type { DockerEngine } from './docker-engine.ts';
import {
  configOf,
  freshName,
  imageName,
  indexOf,
  manifestOf,
  registries,
  secretName,
  startEngineScene,
} from './engine-scene.ts';
import type { EngineScene, RegistryName } from './engine-scene.ts';

const isSkipped = skipWithoutEngine('dockerd', 'docker', 'containerd', 'ctr', 'podman', 'docker-registry');

let scene: EngineScene;
let dockerEngine: DockerEngine;
let containerd: ContainerdEngine;

describe.skipIf(isSkipped)('real engines', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    scene = await startEngineScene();
    const root = await scene.configure('docker', scene.overHttp);
    [dockerEngine, containerd] = await Promise.all([
      startDockerEngine(join(root, 'etc/docker/daemon.json')),
      startContainerd(),
    ]);
  });
  afterAll(async () => {
    await dockerEngine?.stop();
    await containerd?.stop();
    await scene?.close();
  });

  test('dockerd pulls an official image through its mirror, for each platform', async () => {
    expect(await pulledDigest('alpine')).toBe(indexOf('docker.io'));
    expect(await idOf('alpine')).toBe(configOf('docker.io', 'amd64'));
    await docker('pull', '--platform', 'linux/arm64', 'alpine');
    expect(await idOf('alpine')).toBe(configOf('docker.io', 'arm64'));
  });

  test('dockerd logs in, pushes, and pulls by name what it pushed', async () => {
    await docker('pull', '--platform', 'linux/amd64', 'alpine');
    const { host } = scene.front;
    const own = `${host}/team/app:v1`;
    const logIn = (password: string) => docker('login', '-u', 'somebody', '-p', password, host);
    await docker('tag', 'alpine', own);
    await expect(docker('push', own)).rejects.toThrow(/unauthorized|denied/i);
    await expect(logIn('nonsense')).rejects.toThrow(/unauthorized/i);
    await logIn(scene.tokens.pusher);
    const pushed = /digest: (\S+)/.exec(await docker('push', own))?.[1];
    await remove(own);
    expect(await pulledDigest(own)).toBe(pushed);
    expect(await idOf(own)).toBe(configOf('docker.io', 'amd64'));
  });

  test('dockerd pulls public images although it sends its mirror the password of Docker Hub', async () => {
    await logInAtHub('a password of Docker Hub');
    await remove('alpine');
    expect(await pulledDigest('alpine')).toBe(indexOf('docker.io'));
    await expect(docker('pull', secretName)).rejects.toThrow();
  });

  test('dockerd pulls private images where that login is one of this server', async () => {
    await logInAtHub(scene.tokens.reader);
    expect(await pulledDigest(secretName)).toBe(indexOf('docker.io'));
  });

  test('containerd pulls the images of one name from both registries, by TLS with the given CA', async () => {
    const hosts = await hostsFor(scene.overTls);
    for (const registry of registries) {
      await ctrPull(registry, hosts, ...readerLogin());
      await expectPulled(registry);
    }
  });

  test('containerd pulls by plain HTTP without a login', async () => {
    await ctrPull('docker.io', await hostsFor(scene.overHttp));
    await expectPulled('docker.io');
  });

  test('containerd without fallback asks no upstream for what is absent', async () => {
    const hosts = await hostsFor(`${scene.overTls}, fallback: false`);
    await ctrPull('docker.io', hosts);
    await expectPulled('docker.io');
    const absent = ctrPullImage('quay.io/library/absent:latest', hosts, ...readerLogin());
    await expect(absent).rejects.toThrow(/not found|unauthorized/i);
  });

  describe('with a proxy for each registry', () => {
    beforeAll(() => scene.createProxies());

    test('containerd pulls the images of one name through the one file _default', async () => {
      const hosts = await hostsFor(scene.overTls);
      for (const folder of registries) await rm(join(hosts, folder), { recursive: true });
      expect(await readdir(hosts)).toEqual(['_default', 'tidemark-ca.crt']);
      for (const registry of registries) {
        for (const name of [imageName, freshName]) {
          const image = `${registry}/${name}:latest`;
          await ctrPullImage(image, hosts, ...readerLogin());
          await expectPulled(registry, image);
          const path = `/v2/${name}/manifests/${indexOf(registry)}?ns=${registry}`;
          expect(scene.front.answered).toContain(`200 GET ${path}`);
        }
      }
    });

    test('containerd pulls through the file of each registry what a proxy makes', async () => {
      const hosts = await hostsFor(scene.overTls);
      for (const registry of registries) {
        const image = `${registry}/${freshName}:latest`;
        await ctrPullImage(image, hosts, ...readerLogin());
        await expectPulled(registry, image);
      }
    });

    test('containerd asks a registry itself that no proxy serves, with and without a login here', async () => {
      const hosts = await hostsFor(scene.overTls);
      const { host } = scene.elsewhere;
      const image = `${host}/${freshName}:latest`;
      const refused = `404 HEAD /v2/${freshName}/manifests/latest?ns=${encodeURIComponent(host)}`;
      for (const login of [readerLogin(), []]) {
        scene.front.answered.length = 0;
        await ctrPullImage(image, hosts, ...login);
        await expectPulled('elsewhere', image);
        expect(scene.front.answered).toContain(refused);
        expect(scene.front.answered.filter((answer) => !answer.startsWith('404 '))).toEqual([]);
      }
    });
  });

  test('podman pulls the images of one name from both registries, logged in at this server by TLS', async () => {
    const home = await openHome(scene.overTls);
    const auth = ['--authfile', join(home, 'auth.json')];
    const login = ['-u', 'somebody', '-p', scene.tokens.reader];
    await runPodman(home, 'login', ...auth, ...login, scene.front.host);
    for (const registry of registries)
      expect(await podmanConfig(home, registry, ...auth)).toBe(configOf(registry, 'amd64'));
  });

  test('podman without fallback asks no upstream for what is absent', async () => {
    const home = await openHome(`${scene.overHttp}, fallback: false`);
    expect(await podmanConfig(home, 'docker.io')).toBe(configOf('docker.io', 'amd64'));
    const closed = await openHome(`${scene.overTls}, fallback: false`);
    await expect(runPodman(closed, 'pull', 'quay.io/library/absent')).rejects.toThrow(
      /unauthorized|authentication required|manifest unknown/i,
    );
  });

  describe.skipIf(skipWithout('client-files'))('with the code of clients that are not run', () => {
    const images = registries.map((registry) => `${registry}/${imageName}:latest`);

    test('K3s reads its file, and pulls the images of one name from both registries by TLS', async () => {
      const root = await scene.configure('k3s', scene.overTls);
      const pulls = await readClientFiles('k3s', root, `somebody:${scene.tokens.reader}`, ...images);
      const digests = registries.map((registry) => ({ digest: manifestOf(registry, 'amd64') }));
      expect(pulls).toEqual(Object.fromEntries(images.map((image, index) => [image, digests[index]])));
    });

    test('CRI-O reads its file: it asks this server, then the registry', async () => {
      const root = await scene.configure('crio', scene.overTls);
      const pulls = await readClientFiles('crio', join(root, 'etc/containers/registries.conf.d'), ...images);
      expect(pulls).toEqual(sourcesOf(scene.front.host, images));
    });

    test.each([true, false])('OpenShift accepts its files, with fallback %s', async (fallback) => {
      const all = [...images, ...registries.map((name) => `${name}/${imageName}@${indexOf(name)}`)];
      const root = await scene.configure('openshift', `${scene.overTls}, fallback: ${fallback}`);
      const pulls = await readClientFiles('openshift', join(root, 'tidemark-mirrors.yaml'), ...all);
      expect(pulls).toEqual(sourcesOf(scene.front.host, all, fallback ? {} : { blocked: true }));
    });
  });
});

const docker = (...args: string[]) => dockerEngine.docker(...args);

async function pulledDigest(image: string): Promise<string | undefined> {
  return /^Digest: (\S+)$/m.exec(await docker('pull', image))?.[1];
}

async function idOf(image: string): Promise<string> {
  return (await docker('image', 'inspect', '--format', '{{.Id}}', image)).trim();
}

/** Whether it is there or not. */
async function remove(image: string): Promise<void> {
  await docker('rmi', image).catch(() => undefined);
}

/** As `docker login` at Docker Hub would write it down. */
async function logInAtHub(password: string): Promise<void> {
  const auth = Buffer.from(`somebody:${password}`).toString('base64');
  await mkdir(join(dockerEngine.home, '.docker'), { recursive: true });
  await writeFile(
    join(dockerEngine.home, '.docker', 'config.json'),
    JSON.stringify({ auths: { 'https://index.docker.io/v1/': { auth } } }),
  );
}

async function hostsFor(how: string): Promise<string> {
  return join(await scene.configure('containerd', how), 'etc/containerd/certs.d');
}

const readerLogin = () => ['--user', `somebody:${scene.tokens.reader}`];

const ctrPull = (registry: RegistryName, hosts: string, ...login: string[]) =>
  ctrPullImage(`${registry}/${imageName}:latest`, hosts, ...login);

function ctrPullImage(image: string, hosts: string, ...login: string[]): Promise<string> {
  const options = ['--hosts-dir', hosts, '--snapshotter', 'native', ...login];
  return containerd.ctr('images', 'pull', ...options, image);
}

/** And removes it. */
async function expectPulled(
  registry: Parameters<typeof indexOf>[0],
  image = `${registry}/${imageName}:latest`,
): Promise<void> {
  expect(await containerd.ctr('images', 'ls', `name==${image}`)).toContain(indexOf(registry));
  expect(await containerd.ctr('content', 'ls', '-q')).toContain(configOf(registry, 'amd64'));
  await containerd.ctr('images', 'rm', '--sync', image);
}

/** A home of podman that has the generated folder in place of /etc/containers. */
async function openHome(how: string): Promise<string> {
  const root = await scene.configure('podman', how);
  const home = await mkdtemp(join(scene.folder, 'home-'));
  await mkdir(join(home, '.config'));
  await symlink(join(root, 'etc/containers'), join(home, '.config/containers'));
  return home;
}

async function podmanConfig(home: string, registry: RegistryName, ...more: string[]): Promise<string> {
  const id = await runPodman(home, 'pull', '-q', ...more, `${registry}/${imageName}`);
  return `sha256:${id.trim()}`;
}
