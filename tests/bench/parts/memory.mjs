export const memory = { run: async () => [] };
