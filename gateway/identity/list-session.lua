-- Lists a session among all that are alive; the list goes when the longest of them has expired.
--
-- KEYS   1: all live sessions (sorted set: id by expiry in milliseconds)
-- ARGV   1: session id  2: expires at, milliseconds  3: lifetime, milliseconds
-- reply  1

redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1
