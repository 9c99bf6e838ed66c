import { format, resolveConfig } from 'prettier';

/** Text as `npm run check` wants it in that file. */
export const formatted = async (file, text) => format(text, { ...(await resolveConfig(file)), filepath: file });
