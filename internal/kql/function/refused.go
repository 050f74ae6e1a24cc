package function

import "github.com/replaytrace/replaytrace/internal/kql/schema"

// refusedFuncs need what is not at hand offline. They refuse a row, not the query: over a table without rows, as a table
// that was not exported is, there is nothing to refuse.
var refusedFuncs = []Func{
	{Name: "ingestion_time", Signatures: []string{"-> datetime"}, Go: refuse("ingestion_time(): an export does not say when a row was ingested"), Volatile: true, Naming: NameOnly, Prefix: "$IngestionTime", Doc: "ingestion-time-function"},
	{Name: "geo_info_from_ip_address", Signatures: []string{"text -> dynamic"}, Go: refuse("geo_info_from_ip_address(): there is no database of addresses"), Volatile: true, NullIn: true, Doc: "geo-info-from-ip-address-function"},
	{Name: "parse_user_agent", Signatures: []string{"text, value -> dynamic"}, Go: refuse("parse_user_agent(): which patterns Kusto has is not documented"), Volatile: true, NullIn: true, Doc: "parse-user-agent-function"},
}

func refuse(what string) func([]schema.Value) (schema.Value, error) {
	return func([]schema.Value) (schema.Value, error) { return nil, Refused(what) }
}
