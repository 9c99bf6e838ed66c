import { hash } from 'node:crypto';

/** The key of an API key: `key:` and 22 characters, the first 132 bits of its SHA-256. */
export const API_KEY_DIGEST = /^key:[\w-]{22}$/;

/** The partition key of an API key: a digest, because an API key is a secret. */
export const keyOfApiKey = (apiKey: string): string => `key:${hash('sha256', apiKey, 'base64url').slice(0, 22)}`;
