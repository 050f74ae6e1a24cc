// Package inventory owns what is known of applications beforehand: an embedded table of facts and the lists that a user
// adds to it. An application is its id, and the tenant that owns it; its name is a label that anybody can choose.
package inventory

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// The classes of an application.
const (
	FirstParty = "first-party" // Microsoft's own
	ThirdParty = "third-party"
	Approved   = "approved" // by the tenant, whoever made it
)

// App is one application.
type App struct {
	ID     string `yaml:"app_id"` // in lower case
	Name   string `yaml:"name"`
	Class  string `yaml:"class"`
	Owner  string `yaml:"owner"` // the tenant in which it is registered, "" where no source says
	FOCI   bool   `yaml:"foci"`  // its refresh token can be redeemed by the other members of the family
	Abused string `yaml:"abused"`
	Source string `yaml:"source"`
	// AbuseSource says who reports what Abused says.
	AbuseSource string `yaml:"abuse_source"`
}

// Owner is a tenant in which Microsoft registers applications.
type Owner struct {
	TenantID string `yaml:"tenant_id"`
	Name     string `yaml:"name"`
	Source   string `yaml:"source"`
}

// Inventory is a set of known applications.
type Inventory struct {
	Owners []Owner
	apps   map[string]App
}

//go:embed applications.yaml
var facts []byte

// Default is the embedded table of facts.
func Default() (*Inventory, error) {
	var file struct {
		Sources      map[string]string
		Owners       []Owner
		Applications []App
	}
	if err := yaml.UnmarshalWithOptions(facts, &file, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("read the inventory of applications: %w", err)
	}
	inv := &Inventory{apps: map[string]App{}}
	for _, o := range file.Owners {
		o.Source = file.Sources[o.Source]
		inv.Owners = append(inv.Owners, o)
	}
	for _, a := range file.Applications {
		a.Source, a.AbuseSource = file.Sources[a.Source], file.Sources[a.AbuseSource]
		if _, twice := inv.apps[a.ID]; twice {
			return nil, fmt.Errorf("the inventory lists the application %s twice", a.ID)
		}
		inv.apps[a.ID] = a
	}
	return inv, nil
}

// Add merges an application into the inventory. What is known already wins over what a list says; a list adds what is
// missing: a name, an owner, the membership in the family. The tenant's approval counts for all that is not Microsoft's.
func (inv *Inventory) Add(a App) {
	a.ID = strings.ToLower(a.ID)
	known, ok := inv.apps[a.ID]
	if !ok {
		if a.Class == "" && inv.Microsoft(a.Owner) {
			a.Class = FirstParty
		}
		inv.apps[a.ID] = a
		return
	}
	known.Name, known.Class = cmp.Or(known.Name, a.Name), cmp.Or(known.Class, a.Class)
	known.Owner, known.Source = cmp.Or(known.Owner, a.Owner), cmp.Or(known.Source, a.Source)
	known.FOCI = known.FOCI || a.FOCI
	if a.Class == Approved && known.Class != FirstParty {
		known.Class = Approved
	}
	inv.apps[a.ID] = known
}

// Microsoft reports whether a tenant is one of those in which Microsoft registers its applications.
func (inv *Inventory) Microsoft(tenant string) bool {
	return slices.ContainsFunc(inv.Owners, func(o Owner) bool { return strings.EqualFold(o.TenantID, tenant) })
}

// Apps are all applications, by name and id.
func (inv *Inventory) Apps() []App {
	out := make([]App, 0, len(inv.apps))
	for _, a := range inv.apps {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b App) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Find are the applications whose id is the text, or whose name contains it.
func (inv *Inventory) Find(text string) []App {
	text = strings.ToLower(strings.TrimSpace(text))
	if a, ok := inv.apps[text]; ok {
		return []App{a}
	}
	return slices.DeleteFunc(inv.Apps(), func(a App) bool { return !strings.Contains(strings.ToLower(a.Name), text) })
}

// Columns are those of the watchlist Applications, and of the lists that are written.
var Columns = []string{"app_id", "name", "class", "foci", "abused", "owner", "source"}

// Row is an application in Columns.
func (a *App) Row() []string {
	return []string{a.ID, a.Name, a.Class, fmt.Sprint(a.FOCI), a.Abused, a.Owner, cmp.Or(a.AbuseSource, a.Source)}
}

// Watchlists is where watchlists are made; a case is one.
type Watchlists interface {
	AddWatchlist(ctx context.Context, alias string, columns []string, rows [][]string) error
}

// AddTo makes the watchlists Applications, of the embedded facts and further applications, and MicrosoftTenants.
func AddTo(ctx context.Context, to Watchlists, further ...[]App) error {
	inv, err := Default()
	if err != nil {
		return err
	}
	for _, list := range further {
		for _, a := range list {
			inv.Add(a)
		}
	}
	var apps, owners [][]string
	for _, a := range inv.Apps() {
		apps = append(apps, a.Row())
	}
	for _, o := range inv.Owners {
		owners = append(owners, []string{o.TenantID, o.Name, o.Source})
	}
	if err := to.AddWatchlist(ctx, "Applications", Columns, apps); err != nil {
		return err
	}
	return to.AddWatchlist(ctx, "MicrosoftTenants", []string{"tenant_id", "name", "source"}, owners)
}
