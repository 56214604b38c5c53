-- The function runs with the rights of the tables' owner. Its search path had the schema of the tables, and in a database that comes from
-- Postgres 14 everybody may create there: a function or operator that fits an argument better than the one that is meant would have been
-- called in its place. So nothing is looked for but in pg_catalog, and tables are named in full.
create or replace function end_sessions(subject uuid, below bigint, before bigint, actor text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    number bigint;
begin
    if (subject is null) <> (below is null) or (subject is null) = (before is null) or actor is null
        or not coalesce(below between 1 and 9007199254740991, true) or not coalesce(before between 0 and 9007199254740991, true)
    then
        raise exception 'end_sessions takes a user and a version, or a moment' using errcode = '22023';
    end if;
    if subject is not null and not exists (select from public.users where id = subject) then
        raise exception 'there is no user %', subject using errcode = '23503';
    end if;
    -- As all writers of the control log do: "Redm", -2.
    perform pg_advisory_xact_lock(1382376557, -2);
    select coalesce(max(seq), 0) + 1 into number from public.control_log;
    if subject is not null then
        insert into public.control_log (seq, kind, payload, actor)
        values (number, 'user_sessions_revoked', jsonb_build_object('user', subject, 'below', below), actor);
    else
        insert into public.control_log (seq, kind, payload, actor)
        values (number, 'sessions_revoked', jsonb_build_object('before', before), actor);
    end if;
    return number;
end
$$;
