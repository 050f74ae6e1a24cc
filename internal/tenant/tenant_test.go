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
	for name, want := range map[string]string{
		"corporate_network: []\n":                            "corporate_network",
		"corporate_networks: [nonsense]\n":                   "is not a network",
		"corporate_networks:\n  - {nam: x, cidr: 1.2.3.4}\n": "unknown key",
		"automation: nowhere.csv\n":                          "no such file",
	} {
		if _, err := Load(write("bad.yaml", name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", name, err, want)
		}
	}
}
