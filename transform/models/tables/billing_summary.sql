{{ table_from_contract() }}
