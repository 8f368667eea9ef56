// The operator conformance data: Debian 13's libonnx-testdata, unpacked into the cache folder.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { unpack } from './debian.mjs';
import { step } from './log.mjs';
import { onnxTestdata } from './paths.mjs';

/** The folder that holds node/ simple/ pytorch-converted/ pytorch-operator/ light/. */
export const onnxTestdataFolder = join(onnxTestdata, 'usr/share/libonnx-testdata/data');

export async function fetchTestdata() {
  if (existsSync(onnxTestdataFolder)) return;
  await step('fetching libonnx-testdata (7 MB)', () => unpack('trixie', ['libonnx-testdata'], onnxTestdata));
}
