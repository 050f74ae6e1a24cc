package tenant

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("automation.csv", "upn,appid,network\nbot@example.com,1111,198.51.100.0/24\n")
	good := write("good.yaml", "name: Example\ncorporate_networks:\n  - {name: HQ, cidr: 203.0.113.0/24}\n  - 192.0.2.7\nautomation: automation.csv\n")
	c, err := Load(good)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Watchlists["CorporateNetworks"].Rows; len(got) != 2 || got[0][1] != "203.0.113.0/24" || got[1][1] != "192.0.2.7" {
		t.Errorf("networks %v", got)
	}
	if got := c.Watchlists["Automation"].Rows; len(got) != 1 || strings.Join(got[0], " ") != "bot@example.com 1111 198.51.100.0/24" {
		t.Errorf("automation %v", got)
	}
	write("vpn.csv", "username,start_utc,end_utc,src_ip,public_ip\na@example.com,2026-03-20 09:00:00,2026-03-20T17:00:00+01:00,198.51.100.9,203.0.113.7\nb@example.com,2026-03-20T09:00:00Z,,,203.0.113.7\n")
	c, err = Load(write("incident.yaml", "vpn_log: vpn.csv\nasn_database: asn.mmdb\nincident:\n  window: [2026-03-18, 2026-03-21]\n  iocs: iocs.csv\n  suspects: [a@example.com]\n  actions: [{time: 2026-03-20T14:02:00Z, action: revoke, user: a@example.com, via: entra}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for alias, want := range map[string]string{
		"VpnLog":          "a@example.com 2026-03-20T09:00:00Z 2026-03-20T16:00:00Z 198.51.100.9 203.0.113.7|b@example.com 2026-03-20T09:00:00Z   203.0.113.7",
		"IncidentActions": "2026-03-20T14:02:00Z revoke a@example.com entra",
		"IncidentWindow":  "2026-03-18T00:00:00Z 2026-03-21T23:59:59.9999999Z",
	} {
		var rows []string
		for _, row := range c.Watchlists[alias].Rows {
			rows = append(rows, strings.Join(row, " "))
		}
		if got := strings.Join(rows, "|"); got != want {
			t.Errorf("%s holds %q, want %q", alias, got, want)
		}
	}
	if c.Providers != filepath.Join(dir, "asn.mmdb") || c.Indicators != filepath.Join(dir, "iocs.csv") || strings.Join(c.Suspects, " ") != "a@example.com" {
		t.Errorf("providers %q, indicators %q, suspects %q", c.Providers, c.Indicators, c.Suspects)
	}
	for name, want := range map[string]string{
		"vpn_log: [{user: a, start: 20/03/2026 09:00, egress_ip: 203.0.113.7}]\n": "is not a time",
		"vpn_log: [{user: a, start: 2026-03-20, egress_ip: here}]\n":              "is not a network",
		"incident: {actions: [{time: 2026-03-20, action: shout, user: a}]}\n":     "is not an action",
		"incident: {window: [2026-03-18]}\n":                                      "two times are expected",
		"incident: {window: [2026-03-18, 2026-03-17]}\n":                          "before it begins",
		"incident: {window: [2026-03-18, 03/21/2026]}\n":                          "is not a time",
		"timezone: Europe/Londinium\n":                                            "is not the name of a time zone",
		"timezone: Local\n":                                                       "is not the name of a time zone",
		"working_hours: {start: \"07:00\", end: \"19:00\"}\n":                     "days are missing",
		"working_hours: {days: [mon], start: \"7 am\", end: \"19:00\"}\n":         "is not a time of day",
		"working_hours: {days: [monday], start: \"07:00\", end: \"19:00\"}\n":     "is not a day",
		"working_hours: {days: [mon], begin: \"07:00\"}\n":                        "unknown",
		"incident: {actoins: []}\n":                                               "did you mean actions?",
		"corporate_network: []\n":                                                 "did you mean corporate_networks?",
		"corporate_networks: [nonsense]\n":                                        "is not a network",
		"corporate_networks:\n  - {nam: x, cidr: 1.2.3.4}\n":                      "unknown key",
		"automation: nowhere.csv\n":                                               "no such file",
	} {
		if _, err := Load(write("bad.yaml", name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", name, err, want)
		}
	}
}

func TestWorkingHours(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"{days: [mon, Fri], start: \"7:30\", end: \"19:00\"}", "mon 07:30 19:00 UTC|fri 07:30 19:00 UTC"},
		{"{days: [sat], start: \"22:00\", end: \"06:00\"}\ntimezone: Europe/London", "sun 00:00 06:00 Europe/London|sat 22:00 24:00 Europe/London"},
		{"{days: [tue], start: \"00:00\", end: \"24:00\"}", "tue 00:00 24:00 UTC"},
	} {
		path := filepath.Join(t.TempDir(), "tenant.yaml")
		if err := os.WriteFile(path, []byte("working_hours: "+c.given+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		var rows []string
		for _, row := range got.Watchlists["WorkingHours"].Rows {
			rows = append(rows, strings.Join(row, " "))
		}
		if strings.Join(rows, "|") != c.want {
			t.Errorf("%s: %q, want %q", c.given, rows, c.want)
		}
	}
}

// TestLists: a list is read as its writer meant it, wherever it lies: Excel and Windows PowerShell begin a CSV with a byte
// order mark, and a list of the tenant's own has columns that are called as it calls them.
func TestLists(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	write := func(path, text string) string {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const mark = "\ufeff"
	for name, c := range map[string]struct{ list, key, alias, columns, row string }{
		"beside the file":          {"name,cidr\nHQ,203.0.113.0/24\n", "corporate_networks", "CorporateNetworks", "name cidr", "HQ 203.0.113.0/24"},
		"with a mark":              {mark + "cidr,label\r\n203.0.113.0/24,HQ\r\n", "corporate_networks", "CorporateNetworks", "name cidr", "HQ 203.0.113.0/24"},
		"with a mark and quotes":   {mark + "\"name\",\"cidr\"\r\n\"HQ\",\"203.0.113.0/24\"\r\n", "corporate_networks", "CorporateNetworks", "name cidr", "HQ 203.0.113.0/24"},
		"its own":                  {"User,Why\nann, head of sales\n", "watchlists", "Own", "User Why", "ann head of sales"},
		"its own with a mark":      {mark + "User,Why\nann,x\n", "watchlists", "Own", "User Why", "ann x"},
		"its own with our synonym": {"ip,cidr,upn,user\n1,2,3,4\n", "watchlists", "Own", "ip cidr upn user", "1 2 3 4"},
	} {
		for _, path := range []string{write(filepath.Join(dir, "list.csv"), c.list), write(filepath.Join(elsewhere, "list.csv"), c.list)} {
			value := path
			if filepath.Dir(path) == dir {
				value = "list.csv"
			}
			if c.key == "watchlists" {
				value = "{Own: " + value + "}"
			}
			got, err := Load(write(filepath.Join(dir, "tenant.yaml"), c.key+": "+value+"\n"))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			list := got.Watchlists[c.alias]
			if columns := strings.Join(list.Columns, " "); columns != c.columns || len(list.Rows) != 1 || strings.Join(list.Rows[0], " ") != c.row {
				t.Errorf("%s: got %q %q, want %q and %q", name, columns, list.Rows, c.columns, c.row)
			}
		}
	}
	for list, want := range map[string]string{"": "it has no header", "id;title\n1;x\n": "none of the columns app_id, name"} {
		write(filepath.Join(dir, "list.csv"), list)
		if _, err := Load(write(filepath.Join(dir, "tenant.yaml"), "approved_apps: list.csv\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", list, err, want)
		}
	}
}
