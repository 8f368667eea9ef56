import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '../../server-stub/main.mjs';
import { precompress } from '../../server-stub/precompress.mjs';

export const DATA = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 7 + (i >> 8)) & 255));
export const SCRIPT = Buffer.from(
  `export const numbers = [${Array.from({ length: 900 }, (_, i) => i % 10).join(',')}];\n`,
);
export const SECRET = 'nobody may read this';

/** @param {Buffer} bytes */
export const tag = (bytes) => `"sha256:${createHash('sha256').update(bytes).digest('hex')}"`;

/** A running server over a small site with a secret file beside it; `close()` also removes the folder. */
export async function startFixture() {
  const root = await mkdtemp(join(tmpdir(), 'kinglet-server-'));
  const site = join(root, 'site');
  await mkdir(join(site, 'assets'), { recursive: true });
  await mkdir(join(site, 'models/a model/1.0.0'), { recursive: true });
  await writeFile(join(site, 'index.html'), '<!doctype html><title>Fixture</title>\n');
  await writeFile(join(site, 'data.onnx'), DATA);
  await writeFile(join(site, 'empty.bin'), '');
  await writeFile(join(site, 'assets/app-abc123.js'), SCRIPT);
  await writeFile(
    join(site, 'engine.wasm'),
    Buffer.concat([Buffer.from('\0asm\x01\0\0\0', 'latin1'), Buffer.alloc(2000)]),
  );
  await writeFile(join(site, 'style.css'), 'body { color: red }\n'.repeat(60));
  await writeFile(join(site, 'page.json'), '{}');
  await writeFile(join(site, 'models/a model/1.0.0/weights.onnx'), 'weights');
  await writeFile(join(site, '.hidden'), SECRET);
  await writeFile(join(root, 'secret.txt'), SECRET);
  await symlink(join(root, 'secret.txt'), join(site, 'link.txt'));
  await precompress(site);
  const server = await startServer({ mounts: [{ prefix: '/', dir: site }], port: 0 });
  return {
    ...server,
    site,
    close: async () => {
      await server.close();
      await rm(root, { recursive: true });
    },
  };
}
