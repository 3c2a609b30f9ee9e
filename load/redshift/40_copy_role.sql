-- COPY_ROLE_ARN stands for what REDSHIFT_IAM_ROLE names (without the quotes, if that is: default). Without a role there
-- is nothing to grant. (What follows is not in sqlfluff's dialect.)
grant assumerole on 'COPY_ROLE_ARN' to tidemark_loader for copy;  -- noqa: PRS
-- For the whole cluster: until somebody has revoked it, every user may COPY and UNLOAD by every role that is attached,
-- an analyst from the lake past all grants too. Whoever else needs a role must be granted it, before or after.
revoke assumerole on all from public for all;
