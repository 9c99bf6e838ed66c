/** Text as part of a pattern of `SCAN`, in which it stands for itself. */
export const literally = (text: string): string => text.replace(/[*?[\]\\^-]/g, '\\$&');
