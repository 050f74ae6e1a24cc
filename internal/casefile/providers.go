package casefile

import (
	"context"
	"net/netip"
	"strconv"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// provider is what a database of autonomous systems of MaxMind's form knows of an address.
// https://dev.maxmind.com/geoip/docs/databases/asn
type provider struct {
	Number uint   `maxminddb:"autonomous_system_number"`
	Name   string `maxminddb:"autonomous_system_organization"`
}

// AddProviders makes the watchlist AutonomousSystems (ip, asn, organization) of what a database knows of the addresses of
// sign-ins whose rows do not name their provider. Exports of Microsoft Graph and of the admin centre may not.
func (c *Case) AddProviders(ctx context.Context, path string) error {
	database, err := maxminddb.Open(path)
	if err != nil {
		return &NoPlaces{err}
	}
	defer func() { _ = database.Close() }()
	asked := ""
	for i, table := range []string{"SigninLogs", "AADNonInteractiveUserSignInLogs"} {
		if i > 0 {
			asked += " UNION "
		}
		asked += "SELECT IPAddress FROM " + table + " WHERE AutonomousSystemNumber IN ('', '0') AND IPAddress <> ''"
	}
	addresses, err := c.Select(ctx, asked+" ORDER BY 1", []schema.Column{{Type: schema.String}})
	if err != nil {
		return err
	}
	var rows [][]string
	for _, row := range addresses {
		text, _ := row[0].(string)
		address, err := netip.ParseAddr(text)
		if err != nil {
			continue
		}
		var p provider
		if err := database.Lookup(address.WithZone("")).Decode(&p); err != nil { // what is not there decodes to nothing
			return &NoPlaces{err}
		}
		if p.Number != 0 {
			rows = append(rows, []string{text, strconv.FormatUint(uint64(p.Number), 10), p.Name})
		}
	}
	return c.AddWatchlist(ctx, "AutonomousSystems", []string{"ip", "asn", "organization"}, rows)
}
