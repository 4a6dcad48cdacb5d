/** Addresses of Redis: one server, or some nodes of a cluster. */

export interface RedisCluster {
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly username?: string;
  readonly password?: string;
  readonly isSecure: boolean;
}

const SCHEME = /^redis(s?)\+cluster:\/\//;
const NODE = /^(?:\[([^\]]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/;
const PORT = 6_379;

/**
 * What `redis+cluster://host:port,host:port` names (`rediss+cluster` with TLS; a user and a password stand before the first
 * host, as in any URL). Undefined for the address of a single server. Throws a TypeError for what is no address.
 */
export const redisCluster = (url: string): RedisCluster | undefined => {
  const scheme = SCHEME.exec(url);
  if (scheme === null) return undefined;
  const authority = url.slice(scheme[0].length).replace(/\/$/, '');
  const at = authority.lastIndexOf('@');
  const { username, password } = new URL(`redis://${authority.slice(0, at + 1)}cluster`);
  const nodes = authority.slice(at + 1).split(',').map((node) => {
    const [, v6, name, port] = NODE.exec(node) ?? [];
    const host = v6 ?? name;
    if (host === undefined) throw new TypeError(`"${node}" is no node of a Redis cluster`);
    return { host, port: port === undefined ? PORT : Number(port) };
  });
  return {
    nodes,
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    isSecure: scheme[1] === 's',
  };
};
