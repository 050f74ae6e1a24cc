package simulate

// resource is what a token is for.
type resource struct{ id, name, scopes string }

// Resources and clients are Microsoft's own by their documented identifiers: public facts.
// https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
var (
	graph      = &resource{"00000003-0000-0000-c000-000000000000", "Microsoft Graph", "User.Read Files.ReadWrite.All People.Read Calendars.ReadWrite"}
	exchange   = &resource{"00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online", "EAS.AccessAsUser.All EWS.AccessAsUser.All Mail.ReadWrite Mail.Send"}
	sharepoint = &resource{"00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online", "AllSites.FullControl MyFiles.Write"}
	teams      = &resource{"cc15fd57-2c6c-4117-a88c-83b1d56b4bbe", "Microsoft Teams Services", "user_impersonation"}
	presence   = &resource{"1e70cd27-4707-4589-8ec5-9bd20c472a46", "Skype Presence Service", "user_impersonation"}
	suite      = &resource{"4345a7b9-9a63-4910-a426-35363201d503", "O365 Suite UX", "user_impersonation"}
	search     = &resource{"66a88757-258c-4c72-893c-3e8bed4d6899", "Office 365 Search Service", "SubstrateSearch-Internal.ReadWrite"}
	roaming    = &resource{"c2ada927-a9e2-4564-aae2-70775a2fa0af", "OCaaS Client Interaction Service", "user_impersonation"}
	feed       = &resource{"d32c68ad-72d2-4acb-a0c7-46bb2cf93873", "Microsoft Activity Feed Service", "UserTimelineActivity.Write.CreatedByApp"}
	cards      = &resource{"394866fc-eedb-4f01-8536-3ff84b16be2a", "Microsoft People Cards Service", "user_impersonation"}
	apps       = &resource{"0a5f63c0-b750-4f38-a71c-4fc0d58b89e2", "Microsoft Mobile Application Management", "DeviceManagementManagedApps.ReadWrite"}
	checkin    = &resource{"26a4ae64-5862-427f-a9b0-044e62572a4f", "Microsoft Intune Checkin", "user_impersonation"}
	enrollment = &resource{"d4ebce55-015a-49b5-a083-c84d1797ae8c", "Microsoft Intune Enrollment", "user_impersonation"}
	directory  = &resource{"00000002-0000-0000-c000-000000000000", "Windows Azure Active Directory", "user_impersonation"}
	management = &resource{"797f4846-ba00-4fd7-ba43-dac1f8f63013", "Windows Azure Service Management API", "user_impersonation"}
	vault      = &resource{"cfa8b339-82a2-471a-a3c9-0fc0be7a4093", "Azure Key Vault", "user_impersonation"}
	devices    = &resource{"01cb2876-7ebd-4aa4-9cc9-d28bd4d359a9", "Device Registration Service", "adrs_access"}
	copilot    = &resource{"fb8d773d-7ef8-4ec0-a117-179f88add510", "Enterprise Copilot Platform", "CopilotPlatform.ReadWrite"}
	augmenting = &resource{"4354e225-50c9-4423-9ece-2d5afd904870", "Augmentation Loop", "v2.AugLoop"}
	portal     = &resource{"00000006-0000-0ff1-ce00-000000000000", "Microsoft Office 365 Portal", "user_impersonation"}
)

// manner is how a client redeems tokens, which decides what Entra logs of the caller.
type manner uint8

const (
	native       manner = iota // a public client on the device, through the broker or with a refresh token of its own
	spa                        // a page in the browser that redeems by itself
	confidential               // a server of Microsoft's redeems: the address is where the token was born
	commandLine                // a public client without a window
	foreign                    // a server of somebody else's redeems
)

// client is an application that redeems tokens.
type client struct {
	id, name  string
	manner    manner
	owner     string
	resources []*resource
	agents    []string // what it calls itself on Windows; empty where Entra logs none
}

const (
	microsoftServices = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
	microsoftCorp     = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	graphTools        = "cdc5aeea-15c5-4db6-b079-fcadd2505dc2"
)

// Agents of native clients as real exports show them: the web account manager's own browser string, the broker's, the
// suite's, or none.
const (
	wamAgent    = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/70.0.3538.102 Safari/537.36 Edge/18.22631"
	brokerAgent = "Windows-AzureAD-Authentication-Provider/1.0"
)

// Clients of the device.
var (
	officeApps  = &client{"d3590ed6-52b3-4102-aeff-aad2292ab01c", "Microsoft Office", native, microsoftServices, []*resource{exchange, graph, sharepoint, roaming, search, augmenting}, []string{"", "", wamAgent, "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.18526; Pro)", brokerAgent}}
	teamsApp    = &client{"1fec8e78-bce4-4aaf-ab1b-5451cc387264", "Microsoft Teams", native, microsoftServices, []*resource{teams, presence, graph, exchange, sharepoint, search}, []string{"", wamAgent, brokerAgent}}
	oneDrive    = &client{"ab9b8c07-8f02-4f72-87fa-80105867a763", "OneDrive SyncEngine", native, microsoftServices, []*resource{sharepoint, graph}, []string{"", wamAgent, "Microsoft SkyDriveSync 25.031.0217.0003 ship; Windows NT 10.0 (22631)"}}
	edge        = &client{"ecd6b820-32c2-49b6-98a6-444530e5a77a", "Microsoft Edge", native, microsoftServices, []*resource{graph, search, feed, roaming}, []string{"", wamAgent}}
	windowsFind = &client{"26a7ee05-5602-4d76-a7ba-eae8b7b67941", "Windows Search", native, microsoftServices, []*resource{search, graph}, []string{"", wamAgent}}
	broker      = &client{"29d9ed98-a469-4536-ade2-f981bc1d605e", "Microsoft Authentication Broker", native, microsoftServices, []*resource{directory, devices, graph}, []string{brokerAgent, wamAgent, "Dsreg/10.0 (Windows 10.0.22631.4890)"}}
	intuneAgent = &client{"fc0f3af4-6835-4174-b806-f7db311fd2f3", "Microsoft Intune Windows Agent", native, microsoftServices, []*resource{checkin, enrollment}, []string{wamAgent, ""}}
	signIn      = &client{"38aa3b87-a06d-4817-b275-7a316988d93b", "Windows Sign In", native, microsoftServices, []*resource{directory}, []string{brokerAgent, ""}}
	outlookApp  = &client{"27922004-5251-4030-b22d-91ecd9a37ea4", "Outlook Mobile", native, microsoftServices, []*resource{exchange, graph, roaming}, nil}
	authApp     = &client{"4813382a-8fa7-425e-ab75-3b753aab3abb", "Microsoft Authenticator App", native, microsoftServices, []*resource{directory, graph}, nil}
	companyApp  = &client{"9ba1a5c7-f17a-4de9-a1f1-6178c8d51223", "Microsoft Intune Company Portal", native, microsoftServices, []*resource{graph, checkin, apps}, nil}
	driveApp    = &client{"af124e86-4e96-495a-b70a-90f90ab96707", "OneDrive iOS App", native, microsoftServices, []*resource{sharepoint, graph}, nil}
	toDo        = &client{"22098786-6e16-43cc-a27d-191a01a1e3b5", "Microsoft To-Do client", native, microsoftServices, []*resource{exchange, graph}, []string{"", wamAgent}}
	powerBI     = &client{"c0d2a505-13b8-4ae0-aa9e-cddd5eab0b12", "Microsoft Power BI", native, microsoftServices, []*resource{graph, sharepoint}, []string{"", wamAgent}}
	flow        = &client{"57fcbcfa-7cee-4eb1-8b25-12d2030b4ee0", "Microsoft Flow", native, microsoftServices, []*resource{graph, exchange}, []string{"", wamAgent}}
	roomAgent   = &client{"87749df4-7ccf-48f8-aa87-704bad0e0e16", "Microsoft Teams - Device Admin Agent", native, microsoftServices, []*resource{teams, graph}, []string{"", "Dalvik/2.1.0 (Linux; U; Android 9; RoomKit Build/PQ3A)"}}
)

// Clients of the browser: pages, and the servers behind them.
var (
	outlookWeb = &client{"9199bf20-a13f-4107-85dc-02114787ef48", "One Outlook Web", spa, microsoftServices, []*resource{exchange, graph, search, roaming, cards, feed}, nil}
	teamsWeb   = &client{"5e3ce6c0-2b1f-4285-8d4b-75ee78787346", "Microsoft Teams Web Client", spa, microsoftServices, []*resource{teams, presence, graph, exchange, sharepoint}, nil}
	shell      = &client{"89bee1f7-5e6e-4d8a-9f3d-ecd601259da7", "Office365 Shell WCSS-Client", spa, microsoftServices, []*resource{suite, graph, search}, nil}
	azure      = &client{"c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "Azure Portal", spa, microsoftServices, []*resource{management, graph}, nil}
	ibiza      = &client{"74658136-14ec-4630-ad9b-26e160ff0fc6", "ADIbizaUX", spa, microsoftServices, []*resource{graph, directory}, nil}
	explorer   = &client{"de8bc8b5-d9f9-48b1-a8ad-b748da725064", "Graph Explorer", spa, microsoftCorp, []*resource{graph}, nil}

	officeHome  = &client{"4765445b-32c6-49b0-83e6-1d93765276ca", "OfficeHome", confidential, microsoftServices, []*resource{suite, graph, search}, nil}
	exchangeWeb = &client{"00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online", confidential, microsoftServices, []*resource{exchange, sharepoint, graph, presence, cards}, nil}
	siteWeb     = &client{"00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online", confidential, microsoftServices, []*resource{sharepoint, exchange, graph, search, augmenting}, nil}
	teamsBack   = &client{"cc15fd57-2c6c-4117-a88c-83b1d56b4bbe", "Microsoft Teams Services", confidential, microsoftServices, []*resource{exchange, sharepoint, graph, presence, teams}, nil}
	coreSSO     = &client{"243c63a3-247d-41c5-9d83-7788c43f1c43", "Office Online Core SSO", confidential, microsoftServices, []*resource{sharepoint, graph}, nil}
	portalWeb   = &client{"00000006-0000-0ff1-ce00-000000000000", "Microsoft Office 365 Portal", confidential, microsoftServices, []*resource{portal, graph}, nil}
	forms       = &client{"c9a559d2-7aab-4f13-a6ed-e7e9c52aec87", "Microsoft Forms", confidential, microsoftServices, []*resource{graph, sharepoint}, nil}
	planning    = &client{"09abbdfd-ed23-44ee-a2d9-a627aa1c90f3", "ProjectWorkManagement", confidential, microsoftServices, []*resource{graph, exchange}, nil}
	chat        = &client{"c0ab8ce9-e9a0-42e7-b064-33d422df41f1", "M365ChatClient", confidential, microsoftServices, []*resource{copilot, graph, exchange, sharepoint, search}, nil}
	mySignIns   = &client{"19db86c3-b2b9-44cc-b339-36da233a3be2", "My Signins", spa, microsoftServices, []*resource{graph}, nil}
)

// Clients of the command line, with the agents that their libraries send.
var (
	azureCLI = &client{"04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI", commandLine, microsoftServices, []*resource{management, graph, vault}, []string{"python-requests/2.32.3", "AZURECLI/2.70.0 (MSI) azsdk-python-azure-mgmt-resource/23.1.1 Python/3.12.8", ""}}
	azurePS  = &client{"1950a258-227b-4e31-a9cf-717495945fc2", "Microsoft Azure PowerShell", commandLine, microsoftServices, []*resource{management, graph}, []string{"Mozilla/5.0 (Windows NT; Windows NT 10.0; en-GB) WindowsPowerShell/5.1.22621.4391", "AzurePowershell/v13.2.0", ""}}
	graphCLI = &client{"14d82eec-204b-4c2f-b7e8-296a70dab67e", "Microsoft Graph Command Line Tools", commandLine, graphTools, []*resource{graph}, []string{"Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.22631; en-GB) PowerShell/7.5.0", "", wamAgent}}
	code     = &client{"aebc6443-996d-45c2-90f0-388ff96faa56", "Visual Studio Code", commandLine, microsoftServices, []*resource{management, graph}, []string{"", "node"}}
	exoPS    = &client{"fb78d390-0c51-40cd-8e17-fdbfab77341b", "Microsoft Exchange REST API Based Powershell", commandLine, microsoftServices, []*resource{exchange}, []string{"", "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-GB) WindowsPowerShell/5.1.22621.4391"}}
)

// Everyday sets of clients.
var (
	deskClients  = []*client{officeApps, teamsApp, oneDrive, edge, windowsFind, broker, intuneAgent}
	macClients   = []*client{officeApps, teamsApp, oneDrive, companyApp}
	phoneClients = []*client{outlookApp, teamsApp, authApp, driveApp}
	pages        = []*client{outlookWeb, teamsWeb, shell, officeHome, exchangeWeb, siteWeb, teamsBack, coreSSO, portalWeb, forms, planning}
	backEnds     = []*client{officeHome, exchangeWeb, exchangeWeb, siteWeb, siteWeb, teamsBack, coreSSO, portalWeb, forms, planning, shell}
	shells       = []*client{azureCLI, azurePS, graphCLI, code, exoPS}
	familyShop   = []*client{officeApps, teamsApp, oneDrive, outlookApp, azureCLI, azurePS, authApp, toDo, powerBI, flow, companyApp, edge}
)

// scriptAgents are what scripts of all people call themselves, good and bad ones alike: the names of libraries, in the
// releases of the last years.
var scriptAgents = []string{
	"python-requests/2.31.0", "python-requests/2.32.3", "python-requests/2.28.2", "python-httpx/0.27.2", "Python/3.11 aiohttp/3.9.5", "Python-urllib/3.12",
	"Go-http-client/1.1", "Go-http-client/2.0", "axios/1.7.9", "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)", "curl/8.5.0", "curl/7.88.1", "okhttp/4.12.0",
	"Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.19045; en-US) PowerShell/7.4.6", "PostmanRuntime/7.43.0", "", "",
}

// serverAgents are what servers of Microsoft's and of others send where they send anything.
var serverAgents = []string{"python-requests/2.32.3", "okhttp/4.12.0", "node", "Apache-HttpClient/4.5.14 (Java/17.0.13)", "Microsoft.OData.Client/7.12.5", "Go-http-client/2.0"}
