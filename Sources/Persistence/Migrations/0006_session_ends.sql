-- Servers end sessions, and the control log has to say so. They do it by this function and cannot add anything else: who takes over a
-- server gives no credit, no stock and no coupon, and adds no entry that nobody can read. It runs with the rights of its owner, who
-- owns the tables, so its search path is fixed, and what could be put before it (pg_temp) comes last.
--
-- Of one user (subject and below) or of everybody (before). Returns the entry's number.
create function end_sessions(subject uuid, below bigint, before bigint, actor text) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    number bigint;
begin
    if (subject is null) <> (below is null) or (subject is null) = (before is null) or actor is null
        or not coalesce(below between 1 and 9007199254740991, true) or not coalesce(before between 0 and 9007199254740991, true)
    then
        raise exception 'end_sessions takes a user and a version, or a moment' using errcode = '22023';
    end if;
    if subject is not null and not exists (select from users where id = subject) then
        raise exception 'there is no user %', subject using errcode = '23503';
    end if;
    -- As all writers of the control log do: "Redm", -2.
    perform pg_advisory_xact_lock(1382376557, -2);
    select coalesce(max(seq), 0) + 1 into number from control_log;
    if subject is not null then
        insert into control_log (seq, kind, payload, actor)
        values (number, 'user_sessions_revoked', jsonb_build_object('user', subject, 'below', below), actor);
    else
        insert into control_log (seq, kind, payload, actor)
        values (number, 'sessions_revoked', jsonb_build_object('before', before), actor);
    end if;
    return number;
end
$$;

-- By default everybody may call a function.
revoke all on function end_sessions(uuid, bigint, bigint, text) from public;
