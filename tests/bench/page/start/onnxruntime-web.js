import * as ort from '/ort/ort.wasm.min.mjs';
import { firstResult, report } from './first-result.js';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';
ort.env.wasm.wasmPaths = '/ort/';
report(await firstResult(ort));
