/** This package's version, as in package.json. */
export const version = '0.1.0';

/** The version of onnxruntime-common whose API this is. */
export const commonVersion = '1.30.0';
