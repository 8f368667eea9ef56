export const growth = { run: async () => [] };
